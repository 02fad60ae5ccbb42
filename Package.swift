// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: warnings are errors, and imports and existentials are explicit.
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Modules that hold pointers into C say `unsafe` at every use of one.
let strictWithPointers = strict + [.strictMemorySafety()]

/// Generated test worlds and image work are too slow unoptimised, in debug builds too.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// A district: a folder of Sources, or of Tests, and the modules that lie in it. Imports go to an earlier district, or to a
/// lower level of one's own; Engine and Servers do not know each other (`ops/checks/levels`).
func district(_ name: String, in top: String = "Sources", _ modules: [Target]) -> [Target] {
    for module in modules { module.path = "\(top)/\(name)/\(module.name)" }
    return modules
}

func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = strict
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A C library of the system.
func library(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], settings: [SwiftSetting] = strict
) -> Target {
    .testTarget(name: name + "Tests", dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

func command(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies + [.arguments, .logging], swiftSettings: strict)
}

extension Target.Dependency {
    static let arguments = product(name: "ArgumentParser", package: "swift-argument-parser")
    static let logging = product(name: "Logging", package: "swift-log")
    static let signals = product(name: "UnixSignals", package: "swift-service-lifecycle")
    static let lifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let asyncAlgorithms = product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
}

/// C libraries and small pieces of C; each is imported by exactly one module.
let libraries = district(
    "C",
    [
        library("CPNG", "libpng", "libpng-dev"),
        library("CJPEG", "libturbojpeg", "libturbojpeg0-dev"),
        library("CRabbitMQ", "librabbitmq", "librabbitmq-dev"),
        library("CPostgres", "libpq", "libpq-dev"),
        library("CCrypto", "libcrypto", "libssl-dev"),
        library("CYajl", "yajl", "libyajl-dev"),
        library("CZlib", "zlib", "zlib1g-dev"),
        library("COpenBLAS", "openblas", "libopenblas-dev"),
        // A header alone: libtorch is opened at run time, through a shim that ops/build-torch compiles.
        .systemLibrary(name: "CTorch"),
        .target(name: "CFiles"),
        .target(name: "CSchemas", cSettings: [.unsafeFlags(["-std=c23"])]),
        .target(name: "CProcesses"),
        .target(name: "CMappings"),
        .target(name: "CDescriptors"),
        .target(name: "CCertificates", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-mprefer-vector-width=512"])]),
    ])

/// What any program needs: words for errors, digests, threads, files, failpoints for tests.
let basics = district(
    "Basics",
    [
        // Level 1
        module("ErrorLines"),
        module("Digests", ["CCrypto"], settings: strictWithPointers),
        module("Executors"),
        module("Failpoints"),
        // Level 2
        module("Files", ["CFiles", "Digests"]),
        module("JSON", ["ErrorLines"], settings: strictWithPointers + optimised),
    ])

/// What is read and written: annotations and layouts, pictures, archives, files of weights.
let data = district(
    "Data",
    [
        module(
            "Layouts", ["CYajl", "CZlib", "Digests", "ErrorLines", "JSON"], settings: strictWithPointers + optimised),
        module("Pixels", ["CPNG", "CJPEG"], settings: strictWithPointers + optimised),
        module("Archives", ["Digests", "ErrorLines", "Files"]),
        module("Weights", ["CMappings", "ErrorLines", "JSON"], settings: strictWithPointers + optimised),
    ])

/// From tensors to pictures, and how good they are: devices, layers, models, figures. It knows no server and no job.
let engine = district(
    "Engine",
    [
        // Level 1
        module("Tensors", ["ErrorLines"], settings: strictWithPointers + optimised),
        // Level 2
        module("Networks", ["Tensors", "Weights"], settings: strict + optimised),
        module("Evaluation", ["Layouts"], settings: strict + optimised),
        // Level 3: devices and models, which do not know each other
        module(
            "Detectors", ["Tensors", "Weights", "Layouts", "Pixels", "ErrorLines", "Files", "Digests"],
            settings: strict + optimised),
        module("Processors", ["Tensors", "COpenBLAS", "CKernels"], settings: strictWithPointers + optimised),
        module("TorchDevice", ["Tensors", "CTorch", "ErrorLines"], settings: strictWithPointers + optimised),
        module(
            "Diffusion",
            ["Networks", "Tensors", "Weights", "Layouts", "Pixels", "Digests", "ErrorLines", "Files", "JSON"],
            settings: strict + optimised),
    ])

/// Clients of what workers share: the broker, the database, the store. They know no job.
let servers = district(
    "Servers",
    [
        // Level 1
        module("Addresses"),
        module("Certificates", ["CCertificates"], settings: strictWithPointers),
        // Level 2
        module(
            "Broker", ["CRabbitMQ", "Addresses", "Certificates", "Executors", "Failpoints", .logging],
            settings: strictWithPointers),
        module(
            "Postgres", ["CPostgres", "Addresses", "Certificates", "Executors", "Failpoints", .logging],
            settings: strictWithPointers),
        module("Stores", ["Digests", "ErrorLines", "Failpoints", "Files"]),
    ])

/// Jobs, shards and tasks: from planning to a finished shard and its export.
let work = district(
    "Work",
    [
        // Level 1
        module("Tasks", ["Layouts", "Digests", "ErrorLines", "JSON"]),
        // Level 2
        module("Catalogue", ["Postgres", "Tasks", "CSchemas", "Digests", "Failpoints", .logging]),
        // Level 3
        module("Messaging", ["Catalogue", "Broker", "Tasks"]),
        module("Generation", ["Catalogue", "Tasks", "Layouts", "Digests"]),
        module("Attributes", ["Catalogue", "Tasks", "Layouts", "Pixels"]),
        module("Exports", ["Catalogue", "Stores", "Archives", "Files", "Layouts", "Pixels", "Tasks", "Digests"]),
        module(
            "Auditing",
            ["Catalogue", "Stores", "Archives", "Files", "Tasks", "Digests", "Executors", "ErrorLines", "JSON"]),
        // Level 4
        module(
            "Orchestration",
            [
                "Messaging", "Catalogue", "Broker", "Tasks", "Stores", "Archives", "Postgres", "Executors",
                "Failpoints", "Digests", .logging, .lifecycle, .asyncAlgorithms,
            ]),
        module(
            "Provisioning",
            [
                "Messaging", "Addresses", "Catalogue", "Broker", "Postgres", "Stores", "Tasks", "Executors", "JSON",
                .logging,
            ]),
        module(
            "Handlers",
            [
                "Catalogue", "Tasks", "Stores", "Archives", "Pixels", "Layouts", "Digests", "Executors", "Failpoints",
                "CProcesses", "Detectors", "Diffusion", "Files", "Tensors", .logging,
            ], settings: strictWithPointers),
    ])

/// What a person runs.
let commands = district(
    "Commands",
    [
        // Level 1
        module(
            "Console",
            [
                "CDescriptors", "Addresses", "Detectors", "Broker", "Postgres", "Catalogue", "Stores", "Layouts",
                "Tasks", "Digests",
                "ErrorLines", "Diffusion", "Tensors", "Weights", .arguments, .logging,
            ]),
        // Level 2
        command(
            "detdiffusion-producer",
            [
                "Console", "Orchestration", "Messaging", "Generation", "Catalogue", "Broker", "Layouts", "Tasks",
                "Digests", "Detectors", "Diffusion", "ErrorLines", "Files", "Processors",
            ]),
        command(
            "detdiffusion-worker",
            [
                "Console", "Orchestration", "Handlers", "Catalogue", "Broker", "Postgres", "Stores", "Tasks", "Digests",
                "ErrorLines", "Detectors", "Diffusion", "Layouts", "Pixels", "Processors", "Tensors", "TorchDevice",
                "Weights", "Executors", "Files", "JSON",
                .lifecycle, .signals,
            ]),
        command("detdiffusion-evaluate", ["Console", "Evaluation", "Layouts"]),
        command(
            "detdiffusion-catalogue",
            [
                "Console", "Orchestration", "Messaging", "Handlers", "Auditing", "Attributes", "Exports",
                "Provisioning",
                "Catalogue",
                "Broker", "Postgres", "Stores", "Archives", "Layouts", "Pixels", "Digests", "Tasks", "ErrorLines",
                "Files",
            ]),
    ])

/// Tests mirror Sources; what takes the whole system is in System. Fixtures runs commands and servers for them.
let testing =
    [
        .target(
            name: "Fixtures",
            dependencies: ["Catalogue", "Tasks", "Postgres", "Stores", "Files", "Digests", "Pixels", .logging],
            path: "Tests/Fixtures",
            swiftSettings: strict)
    ]
    + district(
        "Basics", in: "Tests",
        [
            tests("ErrorLines", ["ErrorLines"]),
            tests("Digests", ["Digests"]),
            tests("Executors", ["Executors", "Fixtures"]),
            tests("Failpoints", ["Failpoints"]),
            tests("Files", ["Files", "Digests"]),
            tests("JSON", ["JSON", "Fixtures"]),
        ])
    + district(
        "Data", in: "Tests",
        [
            tests("Layouts", ["Layouts", "JSON", "Fixtures"]),
            tests("Pixels", ["Pixels", "Digests", "Fixtures"]),
            tests("Archives", ["Archives", "Files"]),
            tests("Weights", ["Weights", "ErrorLines"], exclude: ["Golden"]),
        ])
    + district(
        "Engine", in: "Tests",
        [
            .target(
                name: "TestDevices", dependencies: ["Processors", "Tensors", "TorchDevice"],
                swiftSettings: strict + optimised),
            tests("Tensors", ["Tensors", "TestDevices"], settings: strict + optimised),
            tests("Processors", ["Processors", "Tensors", "TestDevices"], settings: strict + optimised),
            tests("TorchDevice", ["TorchDevice", "Tensors", "TestDevices", "Fixtures"], settings: strict + optimised),
            tests("Networks", ["Networks", "Processors", "Tensors", "Weights"]),
            tests(
                "Detectors",
                [
                    "Detectors", "Processors", "Tensors", "TestDevices", "TorchDevice", "Weights", "Layouts", "Pixels",
                    "Digests",
                    "Files",
                    "Fixtures",
                ],
                exclude: ["Golden"]),
            tests("Evaluation", ["Evaluation", "Layouts", "Fixtures"]),
            tests(
                "Diffusion",
                [
                    "Diffusion", "Networks", "Processors", "Tensors", "TestDevices", "TorchDevice", "Weights",
                    "Layouts",
                    "Pixels", "Digests", "JSON", "Fixtures",
                ],
                exclude: ["Golden"]),
        ])
    + district(
        "Servers", in: "Tests",
        [
            tests("Addresses", ["Addresses"]),
            tests("Broker", ["Broker", "Executors", "Fixtures", .logging]),
            tests("Postgres", ["Postgres", .logging]),
            tests("Stores", ["Stores", "Files", "Digests", "Fixtures"]),
        ])
    + district(
        "Work", in: "Tests",
        [
            tests("Tasks", ["Tasks", "Layouts", "Digests"]),
            tests("Catalogue", ["Catalogue", "Tasks", "Postgres", "Digests", "Fixtures"]),
            tests("Messaging", ["Messaging", "Tasks", "Broker"]),
            tests("Generation", ["Generation", "Catalogue", "Layouts", "Tasks", "Digests", "Fixtures"]),
            tests(
                "Orchestration",
                [
                    "Orchestration", "Messaging", "Catalogue", "Broker", "Postgres", "Tasks", "Digests", "Fixtures",
                    .lifecycle, .logging,
                ]),
            tests(
                "Exports",
                ["Exports", "Archives", "Files", "Stores", "Fixtures", "Catalogue", "Layouts", "Tasks", "Digests"]),
            tests(
                "Auditing",
                [
                    "Auditing", "Handlers", "Catalogue", "Stores", "Archives", "Tasks", "Postgres", "Digests",
                    "Layouts",
                    "Fixtures",
                ]),
            tests(
                "Provisioning",
                [
                    "Provisioning", "Messaging", "Fixtures", "Catalogue", "Broker", "Postgres", "Stores", "Tasks",
                    "JSON", .logging,
                ]),
            tests(
                "Handlers",
                [
                    "Handlers", "Catalogue", "Stores", "Archives", "Pixels", "Layouts", "Tasks", "Postgres", "Digests",
                    "Fixtures", "Diffusion", "Processors", "Tensors", "TestDevices",
                ]),
            tests("Program", ["Handlers", "Tasks", "Layouts", "Pixels", "Executors", "Digests", "Fixtures", .logging]),
        ])
    + district(
        "Commands", in: "Tests",
        [
            tests(
                "Console",
                [
                    "Console", "Broker", "Postgres", "Catalogue", "Stores", "Layouts", "Tasks", "Digests", "Fixtures",
                    "ErrorLines", "Tensors", .arguments, .logging,
                ])
        ])
    + district(
        "System", in: "Tests",
        [
            tests(
                "Schemas",
                ["CSchemas", "Messaging", "Orchestration", "Broker", "Tasks", "Catalogue", "Fixtures", .logging]),
            tests(
                "EndToEnd",
                ["Broker", "Messaging", "Orchestration", "Pixels", "Tasks", "Digests", "Fixtures", .logging]),
            // A kind of task that only tests know, in processes that they may kill.
            .executableTarget(
                name: "toy",
                dependencies: [
                    "Addresses", "Broker", "Catalogue", "Messaging", "Orchestration", "Postgres", "Tasks", .lifecycle,
                    .logging,
                ], swiftSettings: strict),
            tests("Crash", ["Fixtures"]),
            tests(
                "Hostile",
                [
                    "Fixtures", "Messaging", "Orchestration", "Broker", "Postgres", "Catalogue", "Tasks", "Digests",
                    .logging,
                ]),
            tests(
                "Fuzz",
                [
                    "Layouts", "Tasks", "Archives", "Auditing", "Pixels", "Digests", "Console", "ErrorLines", "Weights",
                    "Detectors", "Diffusion", "Tensors", "TestDevices", "Broker", "Postgres", "Provisioning", "JSON",
                    "Fixtures",
                ]),
            tests("Soak", ["Fixtures"], exclude: ["FalseClock"]),
        ])

let package = Package(
    name: "detdiffusion",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "detdiffusion-producer", targets: ["detdiffusion-producer"]),
        .executable(name: "detdiffusion-worker", targets: ["detdiffusion-worker"]),
        .executable(name: "detdiffusion-catalogue", targets: ["detdiffusion-catalogue"]),
        .executable(name: "detdiffusion-evaluate", targets: ["detdiffusion-evaluate"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: libraries + basics + data + engine + servers + work + commands + testing,
    swiftLanguageModes: [.v6]
)

// Fuzzing needs another runtime under everything: `ops/fuzz` builds this, and nothing else does.
if Context.environment["DETDIFFUSION_FUZZ"] != nil {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CFuzzer", "Layouts", "Tasks", "Archives", "Auditing", "Pixels", "Digests", "Console", "ErrorLines",
                "Weights", "Detectors", "Diffusion", "Tensors", "TestDevices", "Broker", "Postgres", "Provisioning",
                "JSON",
            ],
            path: "Tests/Fuzz/Sources", swiftSettings: strict),
    ]
}

// Timings of the engine by themselves: `DETDIFFUSION_ENGINE_BENCH=1 swift build -c release --product engine-bench`.
if Context.environment["DETDIFFUSION_ENGINE_BENCH"] != nil {
    package.targets.append(
        .executableTarget(
            name: "engine-bench", dependencies: ["Detectors", "Diffusion", "Pixels", "Processors", "Tensors"],
            path: "Tests/EngineBench", swiftSettings: strict))
}

// libtorch's device on a host with a GPU, which `ops/gpu-check` builds here and carries there.
if Context.environment["DETDIFFUSION_TORCH_CHECK"] != nil {
    package.targets.append(
        .executableTarget(
            name: "torch-check", dependencies: ["Diffusion", "Tensors", "TorchDevice", "Weights"],
            path: "Tests/TorchCheck", swiftSettings: strict))
}

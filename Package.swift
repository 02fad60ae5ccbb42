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

/// One module of the package; its level in the design is the section it stands in below.
func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = strict
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
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

let package = Package(
    name: "detdiffusion",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "detdiffusion-producer", targets: ["detdiffusion-producer"]),
        .executable(name: "detdiffusion-worker", targets: ["detdiffusion-worker"]),
        .executable(name: "detdiffusion-catalogue", targets: ["detdiffusion-catalogue"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Level 0: C libraries, each imported by exactly one module above.
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CYajl", pkgConfig: "yajl", providers: [.apt(["libyajl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CFiles"),
        .target(name: "CSchemas", cSettings: [.unsafeFlags(["-std=c23"])]),
        .target(name: "CProcesses"),
        .target(name: "CMappings"),
        .target(name: "CDescriptors"),
        .target(name: "CCertificates", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno", "-mprefer-vector-width=512"])]),

        // Level 1: values.
        module("ErrorLines"),
        module("Layouts", ["CYajl", "CZlib"], settings: strictWithPointers + optimised),
        module("Pixels", ["CPNG"], settings: strictWithPointers + optimised),
        module("Digests", ["CCrypto"], settings: strictWithPointers),
        module("Executors"),
        module("Failpoints"),
        module("Tensors", ["COpenBLAS", "CKernels"], settings: strictWithPointers + optimised),
        module("Weights", ["CMappings"], settings: strictWithPointers + optimised),
        module("Files", ["CFiles"]),
        module("Addresses"),
        module("Certificates", ["CCertificates"], settings: strictWithPointers),

        // Level 2: parts.
        module("Archives", ["Digests", "ErrorLines", "Files"]),
        module("Stores", ["Digests", "ErrorLines", "Failpoints", "Files"]),
        module(
            "Broker", ["CRabbitMQ", "Addresses", "Certificates", "Executors", "Failpoints", .logging],
            settings: strictWithPointers),
        module(
            "Postgres", ["CPostgres", "Addresses", "Certificates", "Executors", "Failpoints", .logging],
            settings: strictWithPointers),
        module("Tasks", ["Layouts", "Digests", "ErrorLines"]),
        module("Networks", ["Tensors", "Weights"], settings: strict + optimised),

        // Level 3: models and stores.
        module(
            "Diffusion", ["Networks", "Tensors", "Weights", "Layouts", "Pixels", "Digests", "ErrorLines", "Files"],
            settings: strict + optimised),
        module("Catalogue", ["Postgres", "Tasks", "CSchemas", "Digests", "Failpoints", .logging]),

        // Level 4: uses.
        module(
            "Orchestration",
            [
                "Catalogue", "Broker", "Tasks", "Stores", "Archives", "Layouts", "Postgres", "Executors", "Failpoints",
                "Digests", .logging, .lifecycle, .asyncAlgorithms,
            ]),
        module("Exports", ["Catalogue", "Stores", "Archives", "Files", "Layouts", "Pixels", "Tasks", "Digests"]),

        module("Auditing", ["Catalogue", "Stores", "Archives", "Tasks", "Digests", "Executors", "ErrorLines"]),
        module(
            "Provisioning", ["Addresses", "Catalogue", "Broker", "Postgres", "Stores", "Tasks", "Executors", .logging]),

        // Level 5: plug-ins.
        module(
            "Handlers",
            [
                "Catalogue", "Tasks", "Stores", "Archives", "Pixels", "Layouts", "Digests", "Executors", "Failpoints",
                "CProcesses", "Diffusion", "Files", "Tensors", .logging,
            ], settings: strictWithPointers),
        module(
            "Console",
            [
                "CDescriptors", "Addresses", "Broker", "Postgres", "Catalogue", "Stores", "Layouts", "Tasks", "Digests",
                "ErrorLines", "Diffusion", "Weights", .arguments, .logging,
            ]),

        // Level 6: commands.
        command(
            "detdiffusion-producer",
            ["Console", "Orchestration", "Catalogue", "Broker", "Layouts", "Tasks", "Digests", "Diffusion", "Files"]),
        command(
            "detdiffusion-worker",
            [
                "Console", "Orchestration", "Handlers", "Catalogue", "Broker", "Postgres", "Stores", "Tasks", "Digests",
                "ErrorLines", "Diffusion", "Layouts", "Pixels", "Tensors", "Weights", "Executors", "Files",
                .lifecycle, .signals,
            ]),
        command(
            "detdiffusion-catalogue",
            [
                "Console", "Orchestration", "Handlers", "Auditing", "Exports", "Provisioning", "Catalogue", "Broker",
                "Postgres", "Stores", "Archives", "Layouts", "Pixels", "Digests", "Tasks", "ErrorLines", "Files",
            ]),

        // Tests mirror Sources; Fixtures runs commands and servers for them.
        .target(
            name: "Fixtures", dependencies: ["Catalogue", "Tasks", "Postgres", "Digests", .logging],
            path: "Tests/Fixtures",
            swiftSettings: strict),
        tests("Digests", ["Digests"]),
        tests("Layouts", ["Layouts"]),
        tests("Pixels", ["Pixels", "Fixtures"]),
        tests("Tensors", ["Tensors"], settings: strict + optimised),
        tests("Weights", ["Weights"], exclude: ["Golden"]),
        tests("Networks", ["Networks", "Tensors", "Weights"]),
        tests(
            "Diffusion", ["Diffusion", "Networks", "Tensors", "Weights", "Layouts", "Pixels", "Digests", "Fixtures"],
            exclude: ["Golden"]),
        tests("Archives", ["Archives"]),
        tests("Stores", ["Stores", "Files", "Digests", "Fixtures"]),
        tests("Broker", ["Broker", "Executors", .logging]),
        tests("Executors", ["Executors"]),
        tests("Failpoints", ["Failpoints"]),
        tests("Files", ["Files"]),
        tests("Addresses", ["Addresses"]),
        tests("Crash", ["Fixtures"]),
        tests("Soak", ["Fixtures"], exclude: ["FalseClock"]),
        tests("Postgres", ["Postgres", .logging]),
        tests("Exports", ["Exports", "Files", "Stores", "Fixtures", "Catalogue", "Layouts", "Tasks", "Digests"]),
        tests("Catalogue", ["Catalogue", "Tasks", "Postgres", "Digests", "Fixtures"]),
        tests(
            "Auditing",
            [
                "Auditing", "Handlers", "Catalogue", "Stores", "Archives", "Tasks", "Postgres", "Digests", "Layouts",
                "Fixtures",
            ]),
        tests("Program", ["Handlers", "Tasks", "Layouts", "Pixels", "Executors", "Digests", "Fixtures", .logging]),
        tests(
            "Provisioning",
            ["Provisioning", "Fixtures", "Catalogue", "Broker", "Postgres", "Stores", "Tasks", .logging]),
        tests("Tasks", ["Tasks", "Layouts", "Digests"]),
        tests(
            "Orchestration",
            [
                "Orchestration", "Catalogue", "Broker", "Postgres", "Layouts", "Tasks", "Digests", "Fixtures",
                .lifecycle, .logging,
            ]),
        tests(
            "Handlers",
            [
                "Handlers", "Catalogue", "Stores", "Archives", "Pixels", "Layouts", "Tasks", "Postgres", "Digests",
                "Fixtures", "Diffusion", "Tensors",
            ]),
        tests(
            "Console",
            [
                "Console", "Broker", "Postgres", "Catalogue", "Stores", "Layouts", "Tasks", "Digests", "Fixtures",
                "ErrorLines", .arguments, .logging,
            ]),
        tests("Schemas", ["CSchemas", "Orchestration", "Broker", "Tasks", "Catalogue", "Fixtures", .logging]),
        tests("EndToEnd", ["Broker", "Orchestration", "Tasks", "Digests", "Fixtures", .logging]),
        tests(
            "Fuzz",
            [
                "Layouts", "Tasks", "Archives", "Auditing", "Pixels", "Digests", "Console", "ErrorLines", "Weights",
                "Diffusion", "Broker", "Postgres", "Provisioning", "Fixtures",
            ]),
        tests(
            "Hostile", ["Fixtures", "Orchestration", "Broker", "Postgres", "Catalogue", "Tasks", "Digests", .logging]),
    ],
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
                "Weights", "Diffusion", "Broker", "Postgres", "Provisioning",
            ],
            path: "Tests/Fuzz/Sources", swiftSettings: strict),
    ]
}

// Timings of the engine by themselves: `DETDIFFUSION_ENGINE_BENCH=1 swift build -c release --product engine-bench`.
if Context.environment["DETDIFFUSION_ENGINE_BENCH"] != nil {
    package.targets.append(
        .executableTarget(
            name: "engine-bench", dependencies: ["Diffusion", "Tensors"], path: "Tests/EngineBench",
            swiftSettings: strict))
}

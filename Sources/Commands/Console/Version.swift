// The version that workers report and `--version` prints.

/// The version of all commands.
public let detdiffusionVersion = "0.1.0"

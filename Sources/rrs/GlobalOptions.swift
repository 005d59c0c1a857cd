import ArgumentParser

/// Options that stand before or after the verb, for all that record or replay.
struct GlobalOptions: ParsableArguments {
  @Option(
    name: [.customShort("C"), .customLong("checksum")],
    help: ArgumentHelp(
      "Record checksums of all writable memory, for the replay to check: at every event, or at every N-th.",
      valueName: "on-all-events|on-syscalls|N"),
    transform: ChecksumInterval.init(parsing:))
  var checksum: ChecksumInterval?

  @Flag(
    name: [.customShort("F"), .customLong("force-things")],
    help: "Go on where a precondition looks wrong, such as a file that changed since the recording.")
  var forceThings = false

  @Flag(
    name: [.customShort("M"), .customLong("mark-stdio")],
    help: "Prefix what the program writes to stdout and stderr with [rrs PID EVENT].")
  var markStdio = false

  @Flag(
    name: .customLong("non-interactive"),
    help: "When a replay fails on a terminal, don't wait for a debugger to look at it.")
  var nonInteractive = false

  @Flag(name: [.customShort("S"), .customLong("suppress-environment-warnings")], help: .hidden)
  var suppressEnvironmentWarnings = false

  static let forms: [OptionForm] = [
    .value("checksum", "C"), .flag("force-things", "F"), .flag("mark-stdio", "M"), .flag("non-interactive"),
    .flag("suppress-environment-warnings", "S"),
  ]
}

/// `-C`: a checksum at every N-th event.
struct ChecksumInterval: Sendable {
  var events: UInt64

  init(parsing text: String) throws {
    switch text {
    // System calls are events, so that checking all events checks those too.
    case "on-all-events", "on-syscalls": events = 1
    default:
      guard let number = UInt64(text), number > 0 else {
        throw ValidationError("checksums are made 'on-all-events', 'on-syscalls' or at every N-th event, not '\(text)'")
      }
      events = number
    }
  }
}

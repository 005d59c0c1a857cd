import ArgumentParser
import CLinuxShim
import Glibc
import Replay
import TraceFormat

/// `rrs replay`
struct ReplayCommand: Verb {
  static let form = VerbForm(
    name: "replay",
    options: [
      .flag("autopilot", "a"), .value("goto", "g"), .value("trace", "t"), .flag("no-redirect-output", "q"),
      .value("stats"), .value("tty"), .flag("cpu-unbound", "u"),
    ])

  static let configuration = VerbForm.configuration(
    "replay", abstract: "Replay a recording.",
    discussion: """
      The exit status is the recorded program's, or rrs dies of the signal that it died of. 65: the trace is damaged; \
      66: there is no such trace; 69: this machine can't replay it; 70: the replay differs from the recording, which \
      is a fault of rrs, and is reported on stderr. 0 with -g, and where the trace ends before the program does.
      """)

  @OptionGroup var global: GlobalOptions

  @Flag(
    name: [.customShort("a"), .customLong("autopilot")],
    help: "Replay to the end without a debugger, and show the program's output again. This version always needs it.")
  var autopilot = false

  @Option(
    name: [.customShort("g"), .customLong("goto")],
    help: ArgumentHelp("Stop when this event is done.", valueName: "event"))
  var goto: UInt64?

  @Option(
    name: [.customShort("t"), .customLong("trace")],
    help: ArgumentHelp("Single-step from this event on, and print registers to stderr.", valueName: "event"))
  var traceFrom: UInt64?

  @Flag(name: [.customShort("q"), .customLong("no-redirect-output")], help: "Don't show the program's output.")
  var noOutput = false

  @Option(
    name: .customLong("stats"), help: ArgumentHelp("Print statistics to stderr every N events.", valueName: "N"))
  var statistics: UInt64 = 0

  @Option(
    name: .customLong("tty"),
    help: ArgumentHelp("Show the program's output on this terminal or file.", valueName: "file"))
  var terminal: String?

  @Flag(name: [.customShort("u"), .customLong("cpu-unbound")], help: "Don't bind to one processor.")
  var cpuUnbound = false

  @Argument(help: "The trace, as a path or as a name that 'rrs ls' shows. (default: the latest)", completion: .traces)
  var trace: String?

  func run() throws {
    guard autopilot else {
      throw UsageError("this version replays without a debugger only: give -a")
    }
    var options = ReplayOptions()
    options.traceDirectory = try TraceDirectory().resolve(trace)
    options.showOutput = !noOutput
    options.outputDescriptor = try terminal.map(openTerminal)
    options.stopAfterEvent = goto
    options.traceFromEvent = traceFrom
    options.statisticsInterval = statistics
    options.markStdio = global.markStdio
    options.cpuUnbound = cpuUnbound
    options.force = global.forceThings
    let progress = ProgressBar()
    if isatty(STDERR_FILENO) != 0 { options.onProgress = { progress.update(event: $0, fraction: $1) } }
    let result = Result { try Replayer().replay(options) { EngineSelection.engine(replaying: $0) } }
    progress.clear()
    let outcome = try result.get()
    for note in outcome.notes { warn("note: " + note) }
    if let goto, goto > outcome.eventCount {
      warn("the recording ends before event \(goto): its last event is \(outcome.eventCount)")
    } else if outcome.isCutShort && goto == nil {
      warn("the recording was cut short: this is its last event, \(outcome.eventCount)")
    }
    if let status = outcome.status { throw ProgramEnding(status: status) }
  }

  private func openTerminal(_ path: String) throws -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw CommandFailure(
        message: "cannot open '\(path)' for the program's output: \(FileStatus.errorText(errno))", status: EX_CANTCREAT)
    }
    return descriptor
  }
}

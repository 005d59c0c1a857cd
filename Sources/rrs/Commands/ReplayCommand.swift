import ArgumentParser
import CLinuxShim
import Debugging
import Execution
import Glibc
import KernelABI
import Replay
import TraceFormat

/// `rrs replay`
struct ReplayCommand: Verb {
  static let form = VerbForm(
    name: "replay",
    options: [
      .flag("autopilot", "a"), .value("goto", "g"), .flag("goto-exit", "e"), .value("onprocess", "p"),
      .value("onfork", "f"), .value("debugger", "d"), .value("debugger-option", "o"), .value("gdb-x", "x"),
      .flag("fullname"), .value("interpreter", "i"), .value("dbgport", "s"), .value("dbghost", "h"),
      .flag("keep-listening", "k"), .flag("serve-files"), .value("trace", "t"), .flag("no-redirect-output", "q"),
      .value("stats"), .value("tty"), .value("emergency-port"), .flag("ignore-pcp"), .flag("cpu-unbound", "u"),
    ],
    restOption: "debugger-option")

  static let configuration = VerbForm.configuration(
    "replay", abstract: "Replay a recording, in a debugger or without one.",
    discussion: """
      Opens gdb on the recording, forwards and backwards; what stands behind -- is handed to gdb. With -a: replays to \
      the end, and exits as the recorded program did, or dies of the signal that it died of. 65: the trace is damaged; \
      66: there is no such trace; 69: this machine can't replay it; 70: the replay differs from the recording, which \
      is a fault of rrs, and is reported on stderr. 0 with -a -g, and where the trace ends before the program does. 2: \
      there is no process as -p or -f want it; 4: -k without -s.
      """)

  @OptionGroup var global: GlobalOptions

  @Flag(
    name: [.customShort("a"), .customLong("autopilot")],
    help: "Replay to the end without a debugger, and show the program's output again.")
  var autopilot = false

  @Option(
    name: [.customShort("g"), .customLong("goto")],
    help: ArgumentHelp("Begin where this event is done; with -a, stop there.", valueName: "event"))
  var goto: UInt64?

  @Flag(
    name: [.customShort("e"), .customLong("goto-exit")],
    help: "Begin at the end of the process that -p or -f name, or of the recording.")
  var gotoExit = false

  @Option(
    name: [.customShort("p"), .customLong("onprocess")],
    help: ArgumentHelp(
      "Begin with the process that executes a program, by its number, or the program's name or path.",
      valueName: "pid|command"))
  var onProcess: String?

  @Option(
    name: [.customShort("f"), .customLong("onfork")],
    help: ArgumentHelp("Begin with the process of this number, forked by another.", valueName: "pid"))
  var onFork: Int32?

  @OptionGroup var debugger: DebuggerOptions

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

  @Option(
    name: .customLong("emergency-port"),
    help: ArgumentHelp(
      "If the replay fails, wait on this port for a debugger that looks at it, as on terminals by itself. 0: any.",
      valueName: "port"))
  var emergencyPort: UInt16?

  @Flag(name: [.customShort("u"), .customLong("cpu-unbound")], help: "Don't bind to one processor.")
  var cpuUnbound = false

  @Flag(name: .customLong("ignore-pcp"), help: "Begin at the start of the recording, at no persistent checkpoint.")
  var ignoresCheckpoints = false

  @Argument(help: "The trace, as a path or as a name that 'rrs ls' shows. (default: the latest)", completion: .traces)
  var trace: String?

  func run() throws {
    let options = try replayOptions()
    // Single steps are for looking on.
    if autopilot || traceFrom != nil { return try runToEnd(options) }
    var beginning = DebugBeginning()
    beginning.event = goto
    beginning.atExit = gotoExit
    guard onProcess == nil || onFork == nil else { throw UsageError("-p and -f name one process each: give one") }
    beginning.process = onProcess.map { .executed($0) } ?? onFork.map { .forked(Tid($0)) }
    var launch = DebuggerLaunch(options: options, beginning: beginning, debugger: debugger, emergency: emergency)
    launch.usesCheckpoints = !ignoresCheckpoints
    try launch.run()
  }

  private var emergency: EmergencyDebugger {
    EmergencyDebugger(port: emergencyPort, isAllowed: !global.nonInteractive, debugger: debugger)
  }

  private func replayOptions() throws -> ReplayOptions {
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
    return options
  }

  private func runToEnd(_ replayOptions: ReplayOptions) throws {
    var options = replayOptions
    let progress = ProgressBar()
    if isatty(STDERR_FILENO) != 0 { options.onProgress = { progress.update(event: $0, fraction: $1) } }
    let result = Result {
      try Replayer().replay(
        options,
        onFailure: { session, error in
          progress.clear()
          try emergency.serve(session, error)
        },
        { EngineSelection.engine(replaying: $0) })
    }
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

import ArgumentParser
import CLinuxShim
import Execution
import Glibc
import KernelABI
import Recording
import TraceFormat

/// `rrs record`
struct RecordCommand: Verb {
  static let form = VerbForm(
    name: "record",
    options: [
      .value("num-cpu-ticks", "c"), .flag("no-syscall-buffer", "n"), .flag("no-file-cloning"), .flag("no-read-cloning"),
      .value("num-cores"), .value("output-trace-dir", "o"), .value("print-trace-dir", "p"), .flag("always-switch", "s"),
      .flag("chaos", "h"), .value("chaos-seed"),
      .value("continue-through-signal", "t"), .value("ignore-signal", "i"), .flag("cpu-unbound", "u"),
      .value("bind-to-cpu"), .value("env", "v"), .flag("wait", "w"), .value("nested"), .value("trace-id"),
      .flag("randomize-addresses"), .flag("stats"), .value("checkpoint-interval"), .value("engine"),
    ] + ProcessorOptions.forms,
    endsAtProgram: true)

  static let configuration = VerbForm.configuration(
    "record", abstract: "Record a program and its children.",
    discussion: """
      The exit status is the program's, or rrs dies of the signal that the program died of. 69: the program can't be \
      executed, or this machine can't record; 73, 74: the trace can't be written.
      """)

  @OptionGroup var global: GlobalOptions
  @OptionGroup var processor: ProcessorOptions

  @Option(
    name: [.customShort("o"), .customLong("output-trace-dir")],
    help: ArgumentHelp("Write the trace to exactly this directory, which must be new or empty.", valueName: "dir"))
  var outputTraceDirectory: String?

  @Option(
    name: [.customShort("p"), .customLong("print-trace-dir")],
    help: ArgumentHelp("Write the trace's directory and a newline to this descriptor.", valueName: "fd"))
  var printTraceDirectory: Int32?

  @Flag(name: [.customShort("w"), .customLong("wait")], help: "Wait for all descendants, not only the first process.")
  var waitForAll = false

  @Option(
    name: [.customShort("v"), .customLong("env")],
    help: ArgumentHelp("Set a variable in the program's environment. Repeatable.", valueName: "name=value"))
  var environment: [String] = []

  @Flag(
    name: [.customShort("u"), .customLong("cpu-unbound")], help: "Don't bind rrs and the program to one processor.")
  var cpuUnbound = false

  @Option(
    name: .customLong("bind-to-cpu"),
    help: ArgumentHelp("The processor to bind to. (default: any)", valueName: "any|p-core|N"),
    transform: RecordCommand.cpuChoice)
  var bindToCPU: RecordOptions.CPUChoice?

  @Option(
    name: [.customShort("c"), .customLong("num-cpu-ticks")],
    help: ArgumentHelp("The longest time slice, in ticks, where ticks are counted.", valueName: "N"))
  var maxTicks: UInt64 = 2_500_000

  @Flag(name: [.customShort("s"), .customLong("always-switch")], help: "Let another thread run at every event.")
  var alwaysSwitch = false

  @Flag(
    name: [.customShort("h"), .customLong("chaos")],
    help: "Schedule threads at random and unfairly, so that rare bugs show.")
  var chaos = false

  @Option(
    name: .customLong("chaos-seed"),
    help: ArgumentHelp("Chaos with the decisions that this number leads to.", valueName: "N"))
  var chaosSeed: UInt64?

  @Option(
    name: [.customShort("t"), .customLong("continue-through-signal")],
    help: ArgumentHelp("Where this signal would end the program, ignore it.", valueName: "signal"),
    transform: RecordCommand.signal)
  var continueThroughSignal: Signal?

  @Option(
    name: [.customShort("i"), .customLong("ignore-signal")],
    help: ArgumentHelp("Never deliver this signal.", valueName: "signal"),
    transform: RecordCommand.signal)
  var ignoredSignal: Signal?

  @Option(
    name: .customLong("num-cores"),
    help: ArgumentHelp("How many processors the program sees, 1 to 128. (default: 1)", valueName: "N"))
  var coreCount: Int?

  @Option(
    name: .customLong("nested"),
    help: ArgumentHelp(
      "What to do when rrs is itself being recorded: stop with an error, or run the program as part of that recording.",
      valueName: "error|ignore"))
  var nested = Nesting.error

  @Option(
    name: .customLong("trace-id"), help: ArgumentHelp("The trace's id, instead of a random one.", valueName: "uuid"),
    transform: RecordCommand.traceID)
  var traceID: [UInt8] = []

  @Option(
    name: .customLong("engine"),
    help: ArgumentHelp(
      "What runs the program: the processor with its counter of branches, or a translation of the program's code.",
      valueName: "auto|hardware|software"))
  var engine = EngineSelection.auto

  @Flag(name: .customLong("randomize-addresses"), help: "Keep the randomisation of the program's address space on.")
  var randomizeAddresses = false

  @Flag(name: .customLong("no-file-cloning"), help: "Copy or link mapped files; no reflinks.")
  var noFileCloning = false

  @Flag(name: .customLong("stats"), help: "At the end, print to stderr how often the program was stopped, and why.")
  var statistics = false

  @Option(
    name: .customLong("checkpoint-interval"),
    help: ArgumentHelp(
      "Meanwhile replay the recording on another processor, and save a checkpoint at every so many seconds.",
      valueName: "seconds"))
  var checkpointInterval: Double?

  // Accepted for rr's users: there is no buffer, and no cloning of reads, that these could turn off.
  @Flag(name: [.customShort("n"), .customLong("no-syscall-buffer")], help: .hidden) var noSyscallBuffer = false
  @Flag(name: .customLong("no-read-cloning"), help: .hidden) var noReadCloning = false

  @Argument(help: "The program, looked up in PATH, and its arguments.", completion: .file())
  var command: [String] = []

  enum Nesting: String, ExpressibleByArgument {
    case error, ignore, detach, release
  }

  /// Set in the environment of whatever is recorded.
  static let nestingVariable = "RUNNING_UNDER_RRS"

  func run() throws {
    guard let program = command.first else {
      throw UsageError("no program to record; see 'rrs help record'")
    }
    if getenv(Self.nestingVariable) != nil { return try runNested(program) }
    // Whatever can be wrong with the command line is found before a directory is made.
    var options = try recordOptions(program: program)
    try TraceAnnouncement.check(descriptor: printTraceDirectory)
    let directories = TraceDirectory()
    let trace = try TraceTarget(exactly: outputTraceDirectory, in: directories, program: program)
    let announcement = TraceAnnouncement(trace: trace, directories: directories, descriptor: printTraceDirectory)
    options.traceDirectory = trace.path
    let ownSeed = chaosSeed == nil ? options.chaosSeed : nil
    var follower: CheckpointFollower?
    options.onStart = {
      announcement.make()
      follower = startFollower(trace.path)
      if let ownSeed { warn("the same chaos again: --chaos-seed=\(ownSeed)") }
    }
    let outcome: RecordOutcome
    var engine: (any Engine)?
    do {
      outcome = try Recorder().record(options) { header in
        let made = try self.engine.engine(for: header, interceptingCPUID: options.requiresCpuidInterception)
        engine = made
        return made
      }
    } catch let error as RecordError {
      switch error {
      case .spawnFailed, .unavailable: trace.removeUnused()
      case .traceWriteFailed, .internalError: break
      }
      throw error
    }
    follower?.finish()
    if statistics {
      Self.show(outcome)
      for line in engine?.statisticsLines ?? [] { warn(line) }
    }
    throw ProgramEnding(status: outcome.status)
  }

  /// The recording is what counts: it goes on without checkpoints.
  private func startFollower(_ trace: String) -> CheckpointFollower? {
    guard let checkpointInterval else { return nil }
    do {
      return try CheckpointFollower(trace: trace, interval: checkpointInterval)
    } catch {
      warn("\(error)")
      return nil
    }
  }

  private static func show(_ outcome: RecordOutcome) {
    let stops = outcome.stops
    let perEvent = ratio(stops.total, outcome.eventCount)
    warn("\(outcome.eventCount) events, \(stops.total) ptrace stops: \(perEvent) an event")
    let inCalls = stops.callEntries + stops.callExits
    warn("\(stops.callEntries) system calls, \(inCalls) stops: \(ratio(inCalls, stops.callEntries)) a call")
    warn(
      "other stops: \(stops.remoteCalls) in calls of rrs itself, \(stops.processes) at births, images and ends, "
        + "\(stops.signals) at signals and traps")
  }

  /// With two digits after the point.
  private static func ratio(_ count: UInt64, _ whole: UInt64) -> String {
    let hundredths = whole == 0 ? 0 : (count * 100 + whole / 2) / whole
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }

  private func recordOptions(program: String) throws -> RecordOptions {
    guard (1...1_000_000_000).contains(maxTicks) else {
      throw UsageError("a time slice has 1 to 1000000000 ticks, not \(maxTicks); see -c in 'rrs help record'")
    }
    if let coreCount, !(1...128).contains(coreCount) {
      throw UsageError("a program can see 1 to 128 processors, not \(coreCount); see --num-cores in 'rrs help record'")
    }
    if let checkpointInterval, !(checkpointInterval > 0 && checkpointInterval < 1e9) {
      throw UsageError("--checkpoint-interval needs a number of seconds that is greater than 0")
    }
    guard chaosSeed != 0 else { throw UsageError("--chaos-seed is a number from 1 on") }
    var options = RecordOptions()
    options.program = program
    options.arguments = command
    options.environment = try RecordedEnvironment(settings: environment).variables
    options.traceID = traceID
    options.waitForAll = waitForAll
    options.cpu = cpuUnbound ? .unbound : bindToCPU ?? .any
    options.maxTimeSliceTicks = maxTicks
    options.alwaysSwitch = alwaysSwitch
    options.chaosSeed = chaosSeed ?? (chaos ? UInt64.random(in: 1...UInt64(UInt32.max)) : nil)
    options.continueThroughSignal = continueThroughSignal
    options.ignoredSignal = ignoredSignal
    options.coreCount = coreCount
    options.hiddenFeatures = processor.hiddenFeatures
    options.randomizeAddresses = randomizeAddresses
    options.cloneFiles = !noFileCloning
    options.checksumInterval = global.checksum?.events ?? 0
    options.markStdio = global.markStdio
    return options
  }

  /// Under another rrs: a tracee can't be traced twice.
  private func runNested(_ program: String) throws {
    switch nested {
    case .error:
      throw CommandFailure(
        message: "this process is being recorded already; --nested=ignore runs '\(program)' as part of that recording",
        status: EX_USAGE)
    case .detach, .release:
      throw CommandFailure(
        message: "--nested=\(nested.rawValue) isn't possible: a recorded process can't leave its recording; "
          + "use --nested=ignore",
        status: EX_UNAVAILABLE)
    case .ignore:
      var argv: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
      argv.append(nil)
      for setting in environment {
        let (name, value) = try RecordedEnvironment.split(setting)
        setenv(name, value, 1)
      }
      execvp(program, argv)
      throw CommandFailure(
        message: "cannot execute '\(program)': \(FileStatus.errorText(errno))", status: EX_UNAVAILABLE)
    }
  }
}

// MARK: - Values of options

extension RecordCommand {
  static func signal(_ text: String) throws -> Signal {
    guard let signal = Signal(parsing: text) else {
      throw ValidationError("'\(text)' is no signal: give a name as SIGUSR1 or a number from 1 to 64")
    }
    return signal
  }

  static func cpuChoice(_ text: String) throws -> RecordOptions.CPUChoice {
    if text == "any" || text == "p-core" { return .any }
    guard let number = Int(text), number >= 0 else {
      throw ValidationError("'\(text)' is no processor: give 'any', 'p-core' or a number")
    }
    return .number(number)
  }

  /// 32 hexadecimal digits, with or without dashes.
  static func traceID(_ text: String) throws -> [UInt8] {
    let digits = text.filter { $0 != "-" }.compactMap(\.hexDigitValue)
    guard digits.count == 32, text.allSatisfy({ $0 == "-" || $0.isHexDigit }) else {
      throw ValidationError("'\(text)' is no UUID: give 32 hexadecimal digits")
    }
    return stride(from: 0, to: 32, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}

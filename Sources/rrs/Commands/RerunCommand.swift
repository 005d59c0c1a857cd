import ArgumentParser
import Debugging
import Execution
import Glibc
import Replay
import TraceFormat

/// `rrs rerun`
struct RerunCommand: Verb {
  static let form = VerbForm(
    name: "rerun",
    options: [
      .value("trace-start", "s"), .value("trace-end", "e"), .value("function", "f"), .value("singlestep"),
      .value("event-regs"), .flag("raw", "r"), .flag("ignore-pcp"), .flag("cpu-unbound", "u"),
    ])

  static let configuration = VerbForm.configuration(
    "rerun", abstract: "Write down the registers that a recorded program had, instruction by instruction.",
    discussion: """
      REGS is a list of: event, icount (instructions of the thread since the event before), tid, ticks; ip, flags, \
      gp_x16 (rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15), xmm_x16, ymm_x16, orig_rax, fsbase, gsbase, segregs \
      (es, cs, ss, ds, fs, gs), xinuse, fip, fop, mxcsr; or single registers. Separated by commas.
      """)

  @OptionGroup var global: GlobalOptions

  @Option(
    name: [.customShort("s"), .customLong("trace-start")],
    help: ArgumentHelp("Begin with the code that leads to this event.", valueName: "event"))
  var start: UInt64 = 1

  @Option(
    name: [.customShort("e"), .customLong("trace-end")],
    help: ArgumentHelp("Stop before the code that leads to this event.", valueName: "event"))
  var end: UInt64?

  @Option(
    name: .customLong("singlestep"),
    help: ArgumentHelp("Write these after each instruction.", valueName: "regs"))
  var stepRegisters: String?

  @Option(
    name: .customLong("event-regs"), help: ArgumentHelp("Write these after each event.", valueName: "regs"))
  var eventRegisters: String?

  @Option(
    name: [.customShort("f"), .customLong("function")],
    help: ArgumentHelp(
      "Where it begins, call the function at this address instead, until it returns.", valueName: "address"))
  var function: String?

  @Flag(name: [.customShort("r"), .customLong("raw")], help: "Write little-endian bytes instead of text.")
  var raw = false

  @Flag(name: [.customShort("u"), .customLong("cpu-unbound")], help: "Don't bind to one processor.")
  var cpuUnbound = false

  @Flag(name: .customLong("ignore-pcp"), help: "Begin at the start of the recording, at no persistent checkpoint.")
  var ignoresCheckpoints = false

  @Argument(help: "The trace, as a path or as a name that 'rrs ls' shows. (default: the latest)", completion: .traces)
  var trace: String?

  func run() throws {
    let options = try rerunOptions()
    var replayOptions = ReplayOptions()
    replayOptions.traceDirectory = try TraceDirectory().resolve(trace)
    replayOptions.showOutput = false
    replayOptions.cpuUnbound = cpuUnbound
    replayOptions.force = global.forceThings
    var session = try Replayer().open(replayOptions) { EngineSelection.engine(replaying: $0) }
    guard options.start <= session.reader.lastEventNumber else {
      throw UsageError(
        "the recording ends before event \(options.start): its last event is \(session.reader.lastEventNumber)")
    }
    if !ignoresCheckpoints {
      session = try SavedCheckpoints(session) { warn($0) }.start(session, before: options.start)
    }
    let rerun = Rerun(session, options: options, layout: session.reader.header.extendedStateLayout)
    var output = StandardOutput()
    do {
      try rerun.run { output.append($0) }
    } catch let error as DebugError {
      throw CommandFailure(message: error.text, status: EX_UNAVAILABLE)
    } catch {
      throw session.explained(error)
    }
  }

  private func rerunOptions() throws -> Rerun.Options {
    var options = Rerun.Options()
    options.stepFields = try fields(stepRegisters)
    options.eventFields = try fields(eventRegisters)
    options.start = max(start, 1)
    options.end = end ?? .max
    guard options.start < options.end else {
      throw UsageError("nothing lies between event \(start) and event \(options.end)")
    }
    options.isBinary = raw
    options.function = try function.map(address)
    return options
  }

  private func fields(_ names: String?) throws(UsageError) -> [RecordField] {
    guard let names else { return [] }
    do throws(DebugError) {
      return try RecordField.list(names)
    } catch {
      throw UsageError("\(error.text); 'rrs help rerun' lists them")
    }
  }

  private func address(_ text: String) throws -> UInt64 {
    let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
    guard let address = isHexadecimal ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text) else {
      throw UsageError("'\(text)' isn't an address")
    }
    return address
  }
}

import EngineTestSupport
import Execution
import Glibc
import KernelABI
import Recording
import Replay
import TraceFormat
import Translation

// Records and replays with an engine that the rrs command doesn't offer. A process of its own: sessions wait for any child.
//
//   EngineHarness record ENGINE TRACE SLICE PROGRAM ARGUMENTS…
//   EngineHarness replay ENGINE TRACE
//   EngineHarness events TRACE

struct Failure: Error, CustomStringConvertible { var description: String }

var simulated: SimulatedCounters?

/// `software`, which counts branches; `small`, which counts transfers and has little room for translations; or
/// `simulated` with settings: `simulated,seed=3,skid=50,lost=10,late=10`.
@MainActor func makeEngine(_ name: String, _ header: TraceHeader) throws -> any Engine {
  let parts = name.split(separator: ",")
  switch parts.first {
  case "software", "small":
    var options = TranslationOptions()
    if parts.first == "small" {
      options.zoneByteCount = 1 << 20
    } else {
      options.tickDefinition = .retiredConditionalBranches
    }
    return SoftwareEngine.make(header, options)
  case "simulated":
    var behaviour = SimulatedCounters.Behaviour()
    for setting in parts.dropFirst() {
      let pair = setting.split(separator: "=")
      guard pair.count == 2, let value = UInt64(pair[1]) else { throw Failure(description: "what is \(setting)?") }
      switch pair[0] {
      case "seed": behaviour.seed = value
      case "skid": behaviour.skidMax = value
      case "lost": behaviour.lossPercentage = value
      case "late": behaviour.latePercentage = value
      default: throw Failure(description: "what is \(setting)?")
      }
    }
    let counters = SimulatedCounters(behaviour)
    simulated = counters
    return HardwareEngine(source: counters)
  default: throw Failure(description: "what engine is \(name)?")
  }
}

func countEvents(_ trace: String) throws {
  let reader = try TraceReader(directory: trace)
  var preemptions = 0, handlers = 0
  while let event = try reader.nextEvent() {
    switch event.kind {
    case .preemption: preemptions += 1
    case .signal(let signal) where !signal.isDeterministic: handlers += 1
    default: break
    }
  }
  print("preemptions \(preemptions) signals \(handlers) \(reader.header.engine) \(reader.header.tickDefinition)")
}

func end(_ status: WaitStatus?) -> Int32 {
  if case .exited(let code) = status { return code }
  return 1
}

let arguments = Array(CommandLine.arguments.dropFirst())
do {
  switch arguments.first {
  case "record":
    var options = RecordOptions()
    options.traceDirectory = arguments[2]
    options.maxTimeSliceTicks = UInt64(arguments[3]) ?? 1000
    options.program = arguments[4]
    options.arguments = Array(arguments[4...])
    var engine: (any Engine)?
    let outcome = try Recorder().record(options) {
      let made = try makeEngine(arguments[1], $0)
      engine = made
      return made
    }
    if arguments[1] == "small", let last = engine?.statisticsLines.last {
      let line = Array("rrs: \(last)\n".utf8)
      _ = write(2, line, line.count)
    }
    if let simulated {
      let counts = "shown \(simulated.shownCount) lost \(simulated.lostCount) left \(simulated.leftCount)"
      let line = Array("rrs: interrupts \(counts)\n".utf8)
      _ = write(2, line, line.count)
    }
    exit(end(outcome.status))
  case "replay":
    var options = ReplayOptions()
    options.traceDirectory = arguments[2]
    exit(end(try Replayer().replay(options) { try makeEngine(arguments[1], $0) }.status))
  case "events":
    try countEvents(arguments[1])
  default:
    throw Failure(description: "record, replay or events?")
  }
} catch {
  let message = Array("harness: \(error)\n".utf8)
  _ = write(2, message, message.count)
  exit(70)
}

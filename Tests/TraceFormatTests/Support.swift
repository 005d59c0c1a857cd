import Foundation
import Glibc
import KernelABI
import Testing
import TraceFormat

/// A repeatable source of random numbers (SplitMix64). A failing test prints its seed; RRS_TEST_SEED repeats it.
struct SeededGenerator: RandomNumberGenerator {
  let seed: UInt64
  private var state: UInt64

  init(seed: UInt64) {
    self.seed = seed
    state = seed
  }

  static func forTest() -> SeededGenerator {
    let given = ProcessInfo.processInfo.environment["RRS_TEST_SEED"].flatMap { UInt64($0) }
    return SeededGenerator(seed: given ?? UInt64.random(in: 0...UInt64.max))
  }

  var comment: Comment { "RRS_TEST_SEED=\(seed)" }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func number<T: FixedWidthInteger>(_ range: ClosedRange<T>) -> T { T.random(in: range, using: &self) }
  mutating func chance(_ oneIn: Int) -> Bool { number(1...oneIn) == 1 }
  mutating func bytes(_ count: Int) -> [UInt8] {
    // Half of them compress well, as real ones do.
    if chance(2) { return [UInt8](repeating: UInt8(truncatingIfNeeded: next()), count: count) }
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
  mutating func text(_ countMax: Int) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz/._-äß→ \n")
    return String((0..<number(0...countMax)).map { _ in letters[number(0...letters.count - 1)] })
  }
}

/// A directory that is gone, with all in it, when the test is done with it.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "rrs-trace-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func make(_ name: String) throws -> String {
    let made = path + "/" + name
    try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: false)
    return made
  }
}

/// All that a trace says, held in memory to compare with.
struct TraceContents: Equatable {
  var events: [TraceEvent] = []
  /// The bytes of each event's memory writes and file writes, in order.
  var data: [[UInt8]] = []
  var mappings: [MappingRecord] = []
  /// The bytes of each mapping whose source is data.
  var mappingData: [[UInt8]] = []
  var tracees: [TraceeRecord] = []

  /// What belongs to the first events.
  func prefix(_ count: Int) -> TraceContents {
    var result = TraceContents()
    result.events = Array(events.prefix(count))
    let last = result.events.last?.number ?? 0
    result.data = Array(data.prefix(result.events.reduce(0) { $0 + $1.memoryWrites.count + $1.fileWrites.count }))
    result.mappings = mappings.filter { $0.event <= last }
    let dataCount = result.mappings.count { if case .data = $0.source { true } else { false } }
    result.mappingData = Array(mappingData.prefix(dataCount))
    result.tracees = tracees.filter { $0.event <= last }
    return result
  }
}

extension SeededGenerator {
  mutating func registers() -> Registers {
    var registers = Registers()
    registers.rip = next()
    registers.rsp = next()
    registers.rax = next()
    registers.origRax = UInt64(bitPattern: -1)
    registers.gs = next()
    registers.r15 = number(0...3)
    return registers
  }

  mutating func tid() -> Tid { Tid(number(1...Int32.max)) }

  mutating func kind() -> TraceEvent.Kind {
    switch number(0...10) {
    case 0:
      return .signal(
        SignalEvent(
          signal: Signal(rawValue: number(1...64)), siginfo: bytes(128), isDeterministic: chance(2),
          disposition: SignalEvent.Disposition(rawValue: number(0...3))!))
    case 1: return .instruction(NondeterministicInstruction(rawValue: number(0...7))!)
    case 2: return .preemption
    case 3: return .exit(rawStatus: Int32(truncatingIfNeeded: next()))
    case 4: return .imageStart
    case 5: return .checkpointSaved(id: next(), stateHash: bytes(32))
    case 6: return .checkpointLoaded(id: next(), stateHash: bytes(number(0...40)))
    case 7: return .note(text(60))
    default:
      var call = SyscallEvent(
        number: chance(20) ? Int(truncatingIfNeeded: next()) : number(0...460),
        phase: SyscallEvent.Phase(rawValue: number(0...2))!)
      if chance(4) {
        call.openedFiles = (0..<number(0...3)).map { _ in
          OpenedFile(descriptor: number(-1...1000), path: text(40), device: next(), inode: next())
        }
      }
      if chance(4) { call.writeOffset = Int64(truncatingIfNeeded: next()) }
      if chance(6) { call.localAddress = bytes(number(0...110)) }
      if chance(6) { call.remoteAddress = bytes(number(0...110)) }
      call.shownOn = number(0...2)
      if chance(5) { call.newTid = tid() }
      return .syscall(call)
    }
  }

  mutating func header() -> TraceHeader {
    var header = TraceHeader()
    header.uuid = bytes(16)
    header.tickDefinition = .nonForwardTransfers
    header.engine = "native"
    header.rrsVersion = "0.1"
    header.kernel = ["Linux", "host", "6.18.0", "#1", "x86_64"]
    header.cpuid = (0..<number(0...20)).map { _ in
      TraceHeader.CPUIDRecord(
        leaf: number(0...40), subleaf: number(0...4), eax: number(0...(.max)), ebx: 1, ecx: number(0...(.max)), edx: 4)
    }
    header.hasCPUIDFaulting = chance(2)
    header.xcr0 = next()
    header.extendedStateByteCount = number(0...(.max))
    header.boundToCPU = number(-1...7)
    header.syscallBuffering = chance(2)
    header.chaosMode = chance(2)
    header.schedulingSeed = next()
    header.checksumInterval = next()
    header.program = text(30)
    header.commandLine = (0..<number(0...9)).map { _ in text(30) }
    header.environment = (0..<number(0...30)).map { _ in text(100) }
    header.workingDirectory = text(50)
    header.startRealtimeNanoseconds = next()
    header.startMonotonicNanoseconds = next()
    return header
  }
}

/// Writes random records, and remembers them.
struct RandomTrace {
  var generator: SeededGenerator
  let writer: TraceWriter
  private(set) var contents = TraceContents()

  init(generator: SeededGenerator, directory: String, threadCount: Int = 2) throws {
    self.generator = generator
    writer = try TraceWriter(directory: directory, header: self.generator.header(), threadCount: threadCount)
  }

  private mutating func data(_ countMax: Int) -> (DataRange, [UInt8]) {
    let bytes = generator.bytes(generator.number(generator.chance(10) ? 0...0 : 1...countMax))
    return (bytes.withUnsafeBytes { writer.appendData($0) }, bytes)
  }

  mutating func append(events count: Int, dataByteCountMax: Int = 300, fullOne: Int = 0) {
    // One uses every stream, so that each has a block when all are flushed.
    for index in 0..<count { appendEvent(dataByteCountMax, isFull: index == fullOne) }
  }

  private mutating func appendEvent(_ dataByteCountMax: Int, isFull: Bool) {
    if isFull || generator.chance(4) { appendMapping(dataByteCountMax) }
    if isFull || generator.chance(5) { appendTracee() }
    var event = TraceEvent(
      tid: generator.tid(), ticks: generator.next(), monotonicNanoseconds: generator.next(), kind: generator.kind(),
      registers: generator.chance(10) ? nil : generator.registers())
    if generator.chance(10) { event.extendedState = generator.bytes(generator.number(1...2700)) }
    if generator.chance(10) { event.memoryChecksum = generator.next() }
    if isFull || generator.chance(2) {
      for _ in 0..<generator.number(1...3) {
        let (range, bytes) = data(dataByteCountMax)
        event.memoryWrites.append(
          MemoryWrite(tid: generator.tid(), address: RemotePointer(generator.next()), data: range))
        contents.data.append(bytes)
      }
    }
    if generator.chance(10) {
      let (range, bytes) = data(dataByteCountMax)
      event.fileWrites.append(
        FileWrite(
          device: generator.next(), inode: generator.next(), offset: generator.next(), data: range,
          newSize: generator.next()))
      contents.data.append(bytes)
    }
    event.number = writer.append(event)
    contents.events.append(event)
  }

  private mutating func appendMapping(_ dataByteCountMax: Int) {
    var mapping = MappingRecord(
      event: writer.nextEventNumber, tid: generator.tid(),
      range: RemoteRange(RemotePointer(generator.next()), RemotePointer(generator.next())),
      protection: generator.number(0...7), flags: Int32(truncatingIfNeeded: generator.next()),
      name: generator.text(60), source: .zero)
    mapping.fileOffset = generator.next()
    mapping.device = generator.next()
    mapping.inode = generator.next()
    mapping.fileSize = generator.next()
    mapping.fileModified = Int64(truncatingIfNeeded: generator.next())
    mapping.fileMode = generator.number(0...0o177777)
    mapping.fileUserID = generator.number(0...UInt32.max)
    mapping.fileGroupID = generator.number(0...UInt32.max)
    if generator.chance(3) { mapping.contentHash = Digest(of: generator.bytes(4)) }
    switch generator.number(0...2) {
    case 0: mapping.source = .outsideFile("/" + generator.text(50))
    case 1:
      let (range, bytes) = data(dataByteCountMax)
      mapping.source = .data(range)
      contents.mappingData.append(bytes)
    default: break
    }
    writer.append(mapping)
    contents.mappings.append(mapping)
  }

  private mutating func appendTracee() {
    let kind: TraceeRecord.Kind
    switch generator.number(0...3) {
    case 0:
      kind = .clone(
        parent: generator.tid(), flags: generator.next(), ownNamespaceTid: generator.tid(),
        threadGroup: generator.tid())
    case 1:
      kind = .exec(
        fileName: generator.text(50), commandLine: (0..<generator.number(0...5)).map { _ in generator.text(20) },
        environment: (0..<generator.number(0...20)).map { _ in generator.text(40) },
        executableBase: RemotePointer(generator.next()), interpreterBase: RemotePointer(generator.next()),
        interpreterName: generator.text(30), previousTid: generator.tid())
    case 2: kind = .exit(rawStatus: Int32(truncatingIfNeeded: generator.next()))
    default: kind = .detach
    }
    let tracee = TraceeRecord(event: writer.nextEventNumber, tid: generator.tid(), kind: kind)
    writer.append(tracee)
    contents.tracees.append(tracee)
  }

  mutating func finish() throws {
    var event = TraceEvent(tid: Tid(0), ticks: 0, monotonicNanoseconds: 1, kind: .end, registers: nil)
    event.number = writer.append(event)
    contents.events.append(event)
    try writer.finish()
  }
}

/// Reads all that can be read, as a replay would: event by event, with what belongs to each.
func readAll(_ reader: TraceReader) -> (contents: TraceContents, error: TraceError?) {
  var contents = TraceContents()
  do throws(TraceError) {
    while let event = try reader.nextEvent() {
      var next = TraceContents()
      next.mappings = try reader.mappings(forEvent: event.number)
      for mapping in next.mappings {
        if case .data(let range) = mapping.source { next.mappingData.append(try reader.data(range)) }
      }
      next.tracees = try reader.tracees(forEvent: event.number)
      for write in event.memoryWrites { next.data.append(try reader.data(write.data)) }
      for write in event.fileWrites { next.data.append(try reader.data(write.data)) }
      contents.events.append(event)
      contents.data += next.data
      contents.mappings += next.mappings
      contents.mappingData += next.mappingData
      contents.tracees += next.tracees
    }
  } catch {
    return (contents, error)
  }
  return (contents, nil)
}

func list<Record>(_ cursor: RecordCursor<Record>) throws -> [Record] {
  var records: [Record] = []
  while let record = try cursor.next() { records.append(record) }
  return records
}

let streamFileNames = ["events", "data", "mmaps", "tracees"]

/// Whether the error is one that a damaged trace may give: one line, that names the trace.
func isClear(_ error: TraceError, directory: String) -> Bool {
  let text = error.description
  return text.contains(directory) && !text.contains("\n")
}

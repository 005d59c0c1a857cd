import Execution
import KernelABI
import Syscalls
import TraceeControl

// Leading the output of a call that may sleep to scratch memory.
//
// While the call sleeps, other tracees of the same memory run, and the kernel may write at any moment. With scratch
// memory in between, what they can see changes at the call's exit event: a place that replay knows.
extension RecordSession {
  /// Preconditions: the tracee is before a call that may sleep; `tracee.call` is that call.
  func redirectOutputs(_ tracee: RecordTracee) throws {
    guard let call = tracee.call, isSeenByOthers(tracee) else { return }
    var plan = RedirectPlan(tracee: tracee.tracee)
    for (index, parameter) in call.descriptor.parameters.enumerated() where index < 6 {
      let address = RemotePointer(call.entry.argument(index))
      if !address.isNull { self.plan(&plan, tracee.tracee, call, index, parameter.kind, address) }
    }
    guard plan.byteCount > 0 else { return }
    guard let chunk = try scratchChunk(tracee, byteCount: UInt64(plan.byteCount)) else {
      return try note(
        tracee,
        "\(call.descriptor.name) of \(plan.byteCount) bytes is too large to be recorded apart from other threads")
    }
    apply(plan, tracee, chunk)
  }

  /// Whether other tracees may look at the memory that the call writes.
  private func isSeenByOthers(_ tracee: RecordTracee) -> Bool {
    tracee.addressSpace.tracees > 1 || sharedMemory.exists && tracees.count > 1
  }

  private func plan(
    _ plan: inout RedirectPlan, _ tracee: Tracee, _ call: PendingCall, _ index: Int, _ kind: Parameter.Kind,
    _ address: RemotePointer
  ) {
    func argument(_ index: Int) -> Int { Int(clamping: min(call.entry.argument(index), 1 << 40)) }
    switch kind {
    case .output(.result(let most), _):
      plan.add(address, argument(most), resultStart: 0, argument: index)
    case .output(.resultElements(let size, let most), _):
      plan.add(address, argument(most) * size, resultStart: 0, resultUnit: size, argument: index)
    case .output(let count, _), .inputOutput(let count, _):
      plan.add(address, sizeMax(count, call, tracee), argument: index)
    case .outputVector(let count):
      planVector(&plan, tracee, address, count: call.entry.argument(count), pointerAt: .argument(index))
    case .outputMessage:
      planMessage(&plan, tracee, address, pointerAt: .argument(index))
    case .outputMessages(let count):
      planMessages(&plan, tracee, address, count: min(argument(count), 1024), argument: index)
    default:
      break
    }
  }

  /// The most that the kernel writes, before the call.
  private func sizeMax(_ count: Parameter.ByteCount, _ call: PendingCall, _ tracee: Tracee) -> Int {
    func argument(_ index: Int) -> Int { Int(clamping: min(call.entry.argument(index), 1 << 40)) }
    switch count {
    case .fixed(let bytes): return bytes
    case .argument(let index), .result(let index): return argument(index)
    case .elements(let size, let index), .resultElements(let size, let index): return argument(index) * size
    case .lengthPointer(let index), .lengthPointer64(let index): return Int(clamping: call.initialLengths[index] ?? 0)
    case .descriptorSet(let index): return (argument(index) + 63) / 64 * 8
    case .terminatedString(let most): return most
    case .pages(let index): return argument(index) / Int(pageSize) + 1
    case .headerAndResult(let header, let index): return header + argument(index)
    case .selfDescribed32, .counted: return 0
    }
  }

  private func planVector(
    _ plan: inout RedirectPlan, _ tracee: Tracee, _ address: RemotePointer, count: UInt64,
    pointerAt: RedirectPlan.Place
  ) {
    let vectors = readVectors(tracee, address, count: count)
    guard !vectors.isEmpty else { return }
    let array = plan.addPrivate(address, vectors.count * 16, pointerAt: pointerAt)
    var start = 0
    for (index, vector) in vectors.enumerated() where vector.byteCount > 0 {
      plan.add(
        vector.address, vector.byteCount, resultStart: start, pointerAt: .scratch(array + index * 16))
      start += vector.byteCount
    }
  }

  private func planMessage(
    _ plan: inout RedirectPlan, _ tracee: Tracee, _ address: RemotePointer, pointerAt: RedirectPlan.Place
  ) {
    guard let message = MessageHeader(tracee, address) else { return }
    let header = plan.addPrivate(address, MessageHeader.byteCount, pointerAt: pointerAt)
    planParts(&plan, tracee, message, address, header: header, resultStart: 0)
  }

  private func planMessages(
    _ plan: inout RedirectPlan, _ tracee: Tracee, _ address: RemotePointer, count: Int, argument: Int
  ) {
    let headers = plan.addPrivate(address, count * 64, pointerAt: .argument(argument))
    for index in 0..<count {
      guard let message = MessageHeader(tracee, address + index * 64) else { return }
      planParts(&plan, tracee, message, address + index * 64, header: headers + index * 64, resultStart: nil)
      plan.addCopy(address + (index * 64 + MessageHeader.byteCount), 4, scratchOffset: headers + index * 64 + 56)
    }
  }

  /// The buffers that a message header points to, and the fields that the kernel writes back.
  private func planParts(
    _ plan: inout RedirectPlan, _ tracee: Tracee, _ message: MessageHeader, _ address: RemotePointer, header: Int,
    resultStart: Int?
  ) {
    plan.addCopy(address + 8, 4, scratchOffset: header + 8)
    plan.addCopy(address + 40, 12, scratchOffset: header + 40)
    if !message.name.isNull {
      plan.add(message.name, Int(min(message.nameLength, 128)), pointerAt: .scratch(header))
    }
    if !message.control.isNull {
      plan.add(message.control, Int(clamping: min(message.controlLength, 1 << 24)), pointerAt: .scratch(header + 32))
    }
    let vectors = readVectors(tracee, message.vectors, count: message.vectorCount)
    let array = plan.addPrivate(message.vectors, vectors.count * 16, pointerAt: .scratch(header + 16))
    var start = resultStart
    for (index, vector) in vectors.enumerated() where vector.byteCount > 0 {
      plan.add(vector.address, vector.byteCount, resultStart: start, pointerAt: .scratch(array + index * 16))
      start = start.map { $0 + vector.byteCount }
    }
  }

  /// Fills the chunk and points the call at it.
  private func apply(_ plan: RedirectPlan, _ tracee: RecordTracee, _ chunk: ScratchPool.Chunk) {
    guard var call = tracee.call, var registers = try? tracee.tracee.registers() else { return }
    call.scratch = chunk
    for part in plan.parts {
      let place = chunk.address + part.offset
      if part.isInitialized, let bytes = tracee.tracee.readBytes(part.application, count: part.byteCount) {
        tracee.tracee.write(place, bytes)
      }
      if part.isCopiedBack {
        call.redirects.append(
          .init(
            application: part.application, scratch: place, byteCount: part.byteCount, resultStart: part.resultStart,
            resultUnit: part.resultUnit))
      }
    }
    // Pointers last: the structures that hold them are in place now.
    for part in plan.parts {
      switch part.pointerAt {
      case .argument(let index):
        registers.setArgument(index, (chunk.address + part.offset).rawValue)
        call.changedArguments.append(index)
      case .scratch(let offset):
        tracee.tracee.write(chunk.address + offset, value: (chunk.address + part.offset).rawValue)
      case nil:
        break
      }
    }
    tracee.call = call
    tracee.tracee.setRegisters(registers)
  }

  /// Scratch memory, mapped now if there is none free: the call is then entered a second time.
  private func scratchChunk(_ tracee: RecordTracee, byteCount: UInt64) throws -> ScratchPool.Chunk? {
    let pool = tracee.addressSpace.scratch
    if let chunk = pool.take(byteCount: byteCount) { return chunk }
    guard let chunk = pool.reserve(byteCount: byteCount) else { return nil }
    let entry = try tracee.tracee.registers()
    _ = try tracee.tracee.checkedRemoteCall(
      "map scratch memory", SyscallNumber.mmap, chunk.address.rawValue, chunk.byteCount, 0x3,
      0x10_0022 /* MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE */, UInt64.max, 0)
    var again = entry
    again.rax = entry.origRax
    again.rip &-= 2
    again.origRax = UInt64.max
    tracee.tracee.setRegisters(again)
    try enterAgain(tracee)
    return chunk
  }

  /// Runs the one instruction that makes the call again, to its seccomp-stop. Signals that come now wait.
  private func enterAgain(_ tracee: RecordTracee) throws {
    while true {
      try engine.resume(tracee.tracee, .application(signal: nil, until: nil))
      try waitFor(tracee)
      let status = tracee.pending[0]
      guard let stop = try engine.interpret(tracee.tracee, status) else { continue }
      switch stop {
      case .syscallEntry:
        tracee.pending.removeFirst()
        return try resendStashedSignals(tracee)
      case .signal(let info, _):
        tracee.pending.removeFirst()
        stash(tracee, info)
      case .groupStop:
        tracee.pending.removeFirst()
      default:
        throw TraceeDied(status: tracee.pending.removeFirst())
      }
    }
  }
}

/// Which buffers of a call go to scratch memory, and where in the chunk.
struct RedirectPlan {
  enum Place {
    case argument(Int)
    /// A pointer in the chunk itself, at this offset.
    case scratch(Int)
  }

  struct Part {
    var application: RemotePointer
    var byteCount: Int
    var offset: Int
    var isInitialized: Bool
    var isCopiedBack: Bool
    var resultStart: Int?
    var resultUnit: Int
    var pointerAt: Place?
  }

  private(set) var parts: [Part] = []
  private(set) var byteCount = 0
  private let tracee: Tracee

  init(tracee: Tracee) { self.tracee = tracee }

  mutating func add(
    _ application: RemotePointer, _ count: Int, resultStart: Int? = nil, resultUnit: Int = 1, argument: Int
  ) {
    add(application, count, resultStart: resultStart, resultUnit: resultUnit, pointerAt: .argument(argument))
  }

  /// A buffer that the kernel writes.
  mutating func add(
    _ application: RemotePointer, _ count: Int, resultStart: Int? = nil, resultUnit: Int = 1, pointerAt: Place
  ) {
    // Where the kernel can't write it says EFAULT: it must meet the application's own pointer.
    guard count > 0, tracee.isWritable(RemoteRange(application, byteCount: UInt64(count))) else { return }
    parts.append(
      Part(
        application: application, byteCount: count, offset: byteCount, isInitialized: resultStart == nil,
        isCopiedBack: true, resultStart: resultStart, resultUnit: resultUnit, pointerAt: pointerAt))
    byteCount += (count + 15) & ~15
  }

  /// A structure that the kernel reads, which rrs changes. Returns its offset in the chunk.
  mutating func addPrivate(_ application: RemotePointer, _ count: Int, pointerAt: Place) -> Int {
    let offset = byteCount
    parts.append(
      Part(
        application: application, byteCount: count, offset: offset, isInitialized: true, isCopiedBack: false,
        resultStart: nil, resultUnit: 1, pointerAt: pointerAt))
    byteCount += (count + 15) & ~15
    return offset
  }

  /// A field of such a structure that the kernel writes.
  mutating func addCopy(_ application: RemotePointer, _ count: Int, scratchOffset: Int) {
    parts.append(
      Part(
        application: application, byteCount: count, offset: scratchOffset, isInitialized: false, isCopiedBack: true,
        resultStart: nil, resultUnit: 1, pointerAt: nil))
  }
}

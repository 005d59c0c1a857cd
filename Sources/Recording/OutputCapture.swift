import KernelABI
import Syscalls
import TraceFormat
import TraceeControl

// What the kernel writes into a tracee's memory, as the system call's row says.
extension RecordSession {
  /// Value-result lengths are needed as they were before the call.
  func readInitialLengths(_ tracee: RecordTracee) {
    guard let call = tracee.call else { return }
    for parameter in call.descriptor.parameters {
      guard case .output(let count, _) = parameter.kind.asOutput else { continue }
      switch count {
      case .lengthPointer(let index):
        let pointer = RemotePointer(call.entry.argument(index))
        tracee.call?.initialLengths[index] = UInt64(tracee.tracee.read(pointer, as: UInt32.self) ?? 0)
      case .lengthPointer64(let index):
        let pointer = RemotePointer(call.entry.argument(index))
        tracee.call?.initialLengths[index] = tracee.tracee.read(pointer, as: UInt64.self) ?? 0
      default: break
      }
    }
  }

  /// Appends what the call wrote. Redirected buffers are copied to where the application wanted them first.
  func captureOutputs(
    _ event: inout TraceEvent, _ tracee: RecordTracee, _ call: PendingCall, _ registers: Registers
  ) {
    for redirect in call.redirects { copyBack(redirect, tracee.tracee, result: registers.syscallResult) }
    let failed = registers.syscallFailed
    if failed && !writesOnFailure(registers.syscallResult) { return }
    for (index, parameter) in call.descriptor.parameters.enumerated() where index < 6 {
      let address = RemotePointer(call.entry.argument(index))
      capture(&event, tracee.tracee, call, parameter.kind, address, result: registers.syscallResult)
    }
  }

  /// Whether the kernel may have written before it failed: the time that is left of an interrupted sleep, a size that
  /// doesn't fit. Not where it failed before it looked at the call's output.
  private func writesOnFailure(_ result: Int64) -> Bool {
    switch result {
    case -1 /* EPERM */, -2 /* ENOENT */, -9 /* EBADF */, -11 /* EAGAIN */, -13 /* EACCES */, -20 /* ENOTDIR */,
      -25 /* ENOTTY */, -38 /* ENOSYS */:
      false
    default: true
    }
  }

  private func capture(
    _ event: inout TraceEvent, _ tracee: Tracee, _ call: PendingCall, _ kind: Parameter.Kind,
    _ address: RemotePointer, result: Int64
  ) {
    guard !address.isNull else { return }
    switch kind {
    case .output(let count, _), .inputOutput(let count, _):
      let bytes = byteCount(count, tracee, call, address, result: max(result, 0))
      // A failed call's counts may be nonsense: nothing large is written then.
      appendMemory(&event, tracee, address, result < 0 ? min(bytes, Int(pageSize)) : bytes)
    case .structureWithBuffers(let count, let buffers) where result >= 0:
      appendMemory(&event, tracee, address, byteCount(count, tracee, call, address, result: result))
      for buffer in buffers { capture(&event, tracee, buffer, of: address, result: result) }
    case .outputVector(let countIndex):
      let vectors = readVectors(tracee, address, count: call.entry.argument(countIndex))
      captureVectors(&event, tracee, vectors, byteCount: Int(result))
    case .outputMessage where result >= 0:
      captureMessage(&event, tracee, address, received: Int(result))
    case .inputMessages, .outputMessages:
      captureMessages(&event, tracee, kind, address, count: Int(result))
    default:
      break
    }
  }

  private func capture(
    _ event: inout TraceEvent, _ tracee: Tracee, _ buffer: Parameter.NestedBuffer, of structure: RemotePointer,
    result: Int64
  ) {
    guard let pointer = tracee.read(structure + buffer.pointerAt, as: UInt64.self), pointer != 0 else { return }
    let count: Int =
      switch buffer.count {
      case .fixed(let count): count
      case .result: Int(max(result, 0))
      case .word16(let at, let size): Int(tracee.read(structure + at, as: UInt16.self) ?? 0) * size
      case .word32(let at, let size): Int(tracee.read(structure + at, as: UInt32.self) ?? 0) * size
      case .word64(let at, let size): Int(min(tracee.read(structure + at, as: UInt64.self) ?? 0, 1 << 32)) * size
      }
    appendMemory(&event, tracee, RemotePointer(pointer), count)
  }

  /// The bytes that the kernel wrote, with arguments as the application gave them.
  private func byteCount(
    _ count: Parameter.ByteCount, _ tracee: Tracee, _ call: PendingCall, _ address: RemotePointer, result: Int64
  ) -> Int {
    let result = Int(clamping: max(result, 0))
    func argument(_ index: Int) -> Int { Int(clamping: call.entry.argument(index)) }
    switch count {
    case .fixed(let bytes): return bytes
    case .argument(let index): return argument(index)
    case .elements(let size, let index): return Int(UInt32(truncatingIfNeeded: argument(index))) * size
    case .result(let index): return min(result, argument(index))
    case .resultElements(let size, let index): return min(result, argument(index)) * size
    case .lengthPointer(let index):
      let after = tracee.read(RemotePointer(call.entry.argument(index)), as: UInt32.self) ?? 0
      return Int(min(UInt64(after), call.initialLengths[index] ?? 0))
    case .lengthPointer64(let index):
      let after = tracee.read(RemotePointer(call.entry.argument(index)), as: UInt64.self) ?? 0
      return Int(clamping: min(after, call.initialLengths[index] ?? 0))
    case .descriptorSet(let index):
      return (Int(UInt32(truncatingIfNeeded: argument(index))) + 63) / 64 * 8
    case .terminatedString(let most):
      return min((tracee.readString(address, limit: most)?.count ?? 0) + 1, most)
    case .selfDescribed32: return Int(tracee.read(address, as: UInt32.self) ?? 0)
    case .pages(let index): return (argument(index) + Int(pageSize) - 1) / Int(pageSize)
    case .headerAndResult(let header, let index): return header + min(result, argument(index))
    case .counted(let header, let countAt, let size):
      return header + Int(min(tracee.read(address + countAt, as: UInt32.self) ?? 0, 1 << 20)) * size
    }
  }

  // MARK: - Vectors and messages

  struct Vector {
    var address: RemotePointer
    var byteCount: Int
  }

  /// An iovec array (readv(2)); IOV_MAX is 1024.
  func readVectors(_ tracee: Tracee, _ address: RemotePointer, count: UInt64) -> [Vector] {
    (0..<Int(min(count, 1024))).compactMap { index in
      guard
        let base = tracee.read(address + index * 16, as: UInt64.self),
        let length = tracee.read(address + index * 16 + 8, as: UInt64.self)
      else { return nil }
      return Vector(address: RemotePointer(base), byteCount: Int(clamping: length))
    }
  }

  func captureVectors(_ event: inout TraceEvent, _ tracee: Tracee, _ vectors: [Vector], byteCount: Int) {
    var rest = byteCount
    for vector in vectors where rest > 0 {
      let count = min(vector.byteCount, rest)
      appendMemory(&event, tracee, vector.address, count)
      rest -= count
    }
  }

  /// `struct msghdr` of recvmsg(2), 56 bytes: name, its length at 8, iov at 16, its count at 24, control at 32, its
  /// length at 40, flags at 48. The kernel writes back both lengths and the flags.
  private func captureMessage(_ event: inout TraceEvent, _ tracee: Tracee, _ address: RemotePointer, received: Int) {
    guard let message = MessageHeader(tracee, address) else { return }
    appendMemory(&event, tracee, address, MessageHeader.byteCount)
    appendMemory(&event, tracee, message.name, message.name.isNull ? 0 : Int(min(message.nameLength, 128)))
    appendMemory(&event, tracee, message.control, message.control.isNull ? 0 : Int(clamping: message.controlLength))
    let vectors = readVectors(tracee, message.vectors, count: message.vectorCount)
    captureVectors(&event, tracee, vectors, byteCount: received)
  }

  /// `struct mmsghdr`: a msghdr and the count of its bytes, padded to 64.
  private func captureMessages(
    _ event: inout TraceEvent, _ tracee: Tracee, _ kind: Parameter.Kind, _ address: RemotePointer, count: Int
  ) {
    for index in 0..<max(count, 0) {
      let element = address + index * 64
      if case .outputMessages = kind {
        let received = Int(tracee.read(element + MessageHeader.byteCount, as: UInt32.self) ?? 0)
        captureMessage(&event, tracee, element, received: received)
      }
      appendMemory(&event, tracee, element + MessageHeader.byteCount, 4)
    }
  }

  private func copyBack(_ redirect: PendingCall.Redirect, _ tracee: Tracee, result: Int64) {
    let count = redirect.writtenByteCount(result: result)
    guard count > 0, let bytes = tracee.readBytes(redirect.scratch, count: count) else { return }
    tracee.write(redirect.application, bytes)
  }
}

/// The fields of a `struct msghdr` in a tracee (recvmsg(2)).
struct MessageHeader {
  static let byteCount = 56

  var name: RemotePointer
  var nameLength: UInt32
  var vectors: RemotePointer
  var vectorCount: UInt64
  var control: RemotePointer
  var controlLength: UInt64

  init?(_ tracee: Tracee, _ address: RemotePointer) {
    guard let bytes = tracee.readBytes(address, count: Self.byteCount) else { return nil }
    func word(_ offset: Int) -> UInt64 {
      bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
    }
    name = RemotePointer(word(0))
    nameLength = UInt32(truncatingIfNeeded: word(8))
    vectors = RemotePointer(word(16))
    vectorCount = word(24)
    control = RemotePointer(word(32))
    controlLength = word(40)
  }
}

extension Parameter.Kind {
  /// An input-output buffer seen as an output.
  var asOutput: Parameter.Kind {
    if case .inputOutput(let count, let format) = self { return .output(count, format) }
    return self
  }
}

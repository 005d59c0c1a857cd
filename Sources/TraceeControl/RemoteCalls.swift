import CLinuxShim
package import KernelABI
import SystemPackage

/// System calls to be made in a tracee one after the other, in one stop.
package struct RemoteCalls {
  package enum Argument: ExpressibleByIntegerLiteral {
    case value(UInt64)
    /// What an earlier call returned. Only first and fifth arguments can be results.
    case result(Int)

    package init(integerLiteral value: UInt64) { self = .value(value) }
  }

  fileprivate struct Call {
    var operation: String
    var number: Int
    var arguments: [Argument]
  }

  /// An entry of the gadget's list: the number, which the result replaces, the arguments, of which the first and the
  /// fifth are addresses of words, and those words.
  fileprivate static let wordsPerCall = 9
  fileprivate static let countMax = 40
  fileprivate static let pathByteCountMax = 1024
  fileprivate static let listAddress = Gadget.dataAddress + 1024
  fileprivate var calls: [Call] = []

  /// Paths that the calls need, behind each other in the gadget's data page.
  fileprivate var paths: [UInt8] = []

  package init() {}

  /// Whether there may be no room for another mapping.
  package var isFull: Bool { calls.count + 3 > Self.countMax || paths.count + 64 > Self.pathByteCountMax }

  /// Adds a call, and returns its place among the results.
  @discardableResult
  package mutating func add(_ operation: String, _ number: Int, _ arguments: Argument...) -> Int {
    precondition(calls.count < Self.countMax && arguments.count <= 6)
    calls.append(Call(operation: operation, number: number, arguments: arguments))
    return calls.count - 1
  }

  /// Opens one of the tracer's own descriptors in the tracee. Returns the place of the tracee's; `close` it.
  package mutating func open(tracerDescriptor: Int32, writable: Bool) -> Int {
    let path = "/proc/\(rrs_syscall(SyscallNumber.getpid, 0, 0, 0, 0, 0, 0))/fd/\(tracerDescriptor)"
    let address = Gadget.dataAddress + paths.count
    paths += Array(path.utf8) + [0]
    return add(
      "open \(path) in the tracee", SyscallNumber.open, .value(address.rawValue), .value(writable ? 0x80002 : 0x80000))
  }

  package mutating func close(_ descriptor: Int) {
    add("close a descriptor in the tracee", SyscallNumber.close, .result(descriptor))
  }

  fileprivate var list: [UInt64] {
    var words: [UInt64] = []
    func address(ofWord word: Int) -> UInt64 { Self.listAddress.rawValue + UInt64(8 * word) }
    for (index, call) in calls.enumerated() {
      let first = index * Self.wordsPerCall
      var entry = [UInt64](repeating: 0, count: Self.wordsPerCall)
      entry[0] = UInt64(call.number)
      let inMemory = [0: 7, 4: 8]
      for (parameter, word) in inMemory { entry[1 + parameter] = address(ofWord: first + word) }
      for (parameter, argument) in call.arguments.enumerated() {
        switch argument {
        case .value(let value): entry[inMemory[parameter] ?? 1 + parameter] = value
        case .result(let other):
          precondition(inMemory[parameter] != nil && other < index)
          entry[1 + parameter] = address(ofWord: other * Self.wordsPerCall)
        }
      }
      words += entry
    }
    return words
  }
}

extension Gadget {
  /// Makes the rbp calls of the list at rbx.
  static let listCode: [UInt8] = [
    0x48, 0x8b, 0x03,  // mov rax, [rbx]
    0x48, 0x8b, 0x7b, 0x08,  // mov rdi, [rbx + 8]
    0x48, 0x8b, 0x3f,  // mov rdi, [rdi]
    0x48, 0x8b, 0x73, 0x10,  // mov rsi, [rbx + 16]
    0x48, 0x8b, 0x53, 0x18,  // mov rdx, [rbx + 24]
    0x4c, 0x8b, 0x53, 0x20,  // mov r10, [rbx + 32]
    0x4c, 0x8b, 0x43, 0x28,  // mov r8, [rbx + 40]
    0x4d, 0x8b, 0x00,  // mov r8, [r8]
    0x4c, 0x8b, 0x4b, 0x30,  // mov r9, [rbx + 48]
    0x0f, 0x05,  // syscall
    0x48, 0x89, 0x03,  // mov [rbx], rax
    0x48, 0x83, 0xc3, 0x48,  // add rbx, 72
    0xff, 0xcd,  // dec ebp
    0x75, 0xd2,  // jnz to the first
    0xcc,  // int3
  ]
}

extension Tracee {
  /// Makes the calls and returns their results. The first that fails is an error.
  ///
  /// Preconditions: those of `remoteCall`.
  @discardableResult
  package func perform(_ calls: RemoteCalls) throws -> [UInt64] {
    guard !calls.calls.isEmpty else { return [] }
    write(Gadget.dataAddress, calls.paths)
    let results = try perform(calls.calls, calls.list)
    for (call, result) in zip(calls.calls, results) { _ = try check(Int(result), call.operation, tid: tid) }
    return results.map { UInt64(bitPattern: $0) }
  }

  private func perform(_ calls: [RemoteCalls.Call], _ list: [UInt64]) throws -> [Int64] {
    let isWritten = list.withUnsafeBytes { write(RemoteCalls.listAddress, $0) }
    guard isWritten else { throw KernelError("write the gadget's list", tid: tid, errno: .badAddress) }
    let isDone = try withGadget(at: Gadget.listAddress) { registers in
      registers.rbx = RemoteCalls.listAddress.rawValue
      registers.rbp = UInt64(calls.count)
    } run: { usesTrap in
      if usesTrap { try runGadget(to: Gadget.listAddress + (Gadget.listCode.count - 1)) }
      return usesTrap
    }
    if isDone {
      return try (0..<calls.count).map { index in
        let address = RemoteCalls.listAddress + 8 * RemoteCalls.wordsPerCall * index
        guard let result = read(address, as: Int64.self) else {
          throw KernelError("read a remote call's result", tid: tid, errno: .badAddress)
        }
        return result
      }
    }
    var results: [Int64] = []
    for call in calls {
      let values = call.arguments.map { argument in
        switch argument {
        case .value(let value): value
        case .result(let index): UInt64(bitPattern: results[index])
        }
      }
      results.append(try remoteCall(call.number, arguments: values))
    }
    return results
  }
}

import CLinuxShim
package import KernelABI
import SystemPackage

/// The two pages that rrs maps in every tracee: one with the instruction whose calls pass the seccomp filter, one for
/// the strings and structures that such calls need.
package enum Gadget {
  package static let address = RemotePointer(0x7000_0000)
  package static let dataAddress = RemotePointer(0x7000_1000)
  package static let range = RemoteRange(address, byteCount: 2 * pageSize)
  /// The gadget's `int3`.
  package static let trapAddress = address + 2
  /// `syscall; int3`
  package static let code: [UInt8] = [0x0f, 0x05, 0xcc]
  /// Where output parameters of blocking calls go while other tracees run; see `Scratch`.
  package static let scratchRange = RemoteRange(RemotePointer(0x6800_0000), RemotePointer(0x7000_0000))

  /// The calls of the vsyscall page, as code of a page that can be read: `mov eax, number; syscall; ret`, for
  /// gettimeofday, time and getcpu in this order, at a distance of 16 bytes.
  package static let vsyscallsAddress = address + 64
  /// The code that makes a list of calls: see `RemoteCalls`.
  static let listAddress = address + 128
}

/// A remote call could not be made because the tracee died meanwhile.
package struct TraceeDied: Error {
  package var status: WaitStatus

  package init(status: WaitStatus) { self.status = status }
}

extension Tracee {
  /// Makes a system call in the tracee, in one stop, and restores its registers.
  ///
  /// Preconditions: the tracee is in a ptrace-stop outside of a system call, or in a seccomp-stop (the call that it
  /// stands before is then skipped: the caller sets registers that make it again, or its result). The gadget is mapped.
  package func remoteCall(_ number: Int, _ arguments: UInt64...) throws -> Int64 {
    try remoteCall(number, arguments: arguments)
  }

  func remoteCall(_ number: Int, arguments: [UInt64]) throws -> Int64 {
    try withGadget(at: Gadget.address) { call in
      call.rax = UInt64(number)
      for (index, value) in arguments.enumerated() { call.setArgument(index, value) }
    } run: { usesTrap in
      try usesTrap ? runGadget(to: Gadget.trapAddress) : runGadgetByStops()
    }
  }

  /// Runs gadget code, with the tracee's signals held back, from registers that `prepare` sets, and restores them.
  /// `run` is told whether the code's `int3` can be used to stop.
  func withGadget<R>(
    at address: RemotePointer, _ prepare: (inout Registers) -> Void, run: (_ usesTrap: Bool) throws -> R
  ) throws -> R {
    let saved = try registers()
    var call = saved
    call.rip = address.rawValue
    call.origRax = UInt64.max
    prepare(&call)
    let mask = try Ptrace.signalMask(tid)
    // All but SIGTRAP, which the gadget's int3 raises: a forced signal that is blocked would be reset to its default.
    let trapBit = UInt64(1) << UInt64(Signal.trap.rawValue - 1)
    let usesTrap = mask & trapBit == 0 && !threadGroup.ignoresTraps
    let needed = usesTrap ? ~trapBit : UInt64.max
    if mask != needed { try Ptrace.setSignalMask(tid, needed) }
    setRegisters(call)
    let result = try run(usesTrap)
    setRegisters(saved)
    if mask != needed { try Ptrace.setSignalMask(tid, mask) }
    return result
  }

  /// Runs to the `int3` at `trap`. Returns what the last call left in rax.
  @discardableResult
  func runGadget(to trap: RemotePointer) throws -> Int64 {
    while true {
      try resume()
      let status = try wait()
      switch status {
      case .signalStop(.trap):
        let registers = try registers()
        guard registers.rip == trap.rawValue + 1 else {
          throw KernelError("remote call stopped at \(registers.instructionPointer)", tid: tid, errno: .ioError)
        }
        return registers.syscallResult
      case .exited, .killed, .event(.exit, _):
        isAlive = false
        throw TraceeDied(status: status)
      case .event(.clone, _), .event(.fork, _), .event(.vfork, _), .event(.stop, _), .syscallStop, .signalStop:
        continue
      default:
        throw KernelError("remote call met \(status)", tid: tid, errno: .ioError)
      }
    }
  }

  /// The same in two stops, without the `int3`: its signal would no longer be ignored after it, and one that is blocked
  /// may be pending.
  private func runGadgetByStops() throws -> Int64 {
    try runToSyscallStop()
    // From a seccomp-stop, the end of the call that is skipped comes first.
    if try registers().rip == Gadget.address.rawValue { try runToSyscallStop() }
    try runToSyscallStop()
    return try registers().syscallResult
  }

  private func runToSyscallStop() throws {
    while true {
      try resumeToSyscallStop()
      let status = try wait()
      if status == .syscallStop { return }
      guard status.rawExit == nil else {
        isAlive = false
        throw TraceeDied(status: status)
      }
    }
  }

  /// `remoteCall` whose failure is an error.
  package func checkedRemoteCall(_ operation: String, _ number: Int, _ arguments: UInt64...) throws -> UInt64 {
    let result: Int64
    switch arguments.count {
    case 0: result = try remoteCall(number)
    case 1: result = try remoteCall(number, arguments[0])
    case 2: result = try remoteCall(number, arguments[0], arguments[1])
    case 3: result = try remoteCall(number, arguments[0], arguments[1], arguments[2])
    case 4: result = try remoteCall(number, arguments[0], arguments[1], arguments[2], arguments[3])
    case 5: result = try remoteCall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4])
    default:
      result = try remoteCall(
        number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5])
    }
    _ = try check(Int(result), operation, tid: tid)
    return UInt64(bitPattern: result)
  }

  /// Maps the gadget into a fresh process image, by way of a `syscall` written over the code at `rip` for a moment, and
  /// makes `more` calls with it.
  ///
  /// Preconditions: the tracee is in the system-call-exit-stop of a successful execve, `rip` in a private mapping.
  package func mapGadget(then more: RemoteCalls = RemoteCalls()) throws {
    let saved = try registers()
    guard let original = readBytes(saved.instructionPointer, count: 2) else {
      throw KernelError("read the entry point \(saved.instructionPointer)", tid: tid, errno: .badAddress)
    }
    write(saved.instructionPointer, [0x0f, 0x05])
    var call = saved
    call.rax = UInt64(SyscallNumber.mmap)
    call.origRax = UInt64.max
    let arguments: [UInt64] = [
      Gadget.address.rawValue, 2 * pageSize, 0x7 /* RWX for now */,
      0x32 /* MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS */, UInt64.max, 0,
    ]
    for (index, value) in arguments.enumerated() { call.setArgument(index, value) }
    setRegisters(call)
    // The filter stops this call: a seccomp-stop, then the exit-stop.
    try resume()
    while try wait() != .event(.seccomp, .trap) { try resume() }
    try resumeToSyscallStop()
    _ = try wait()
    let result = try registers().syscallResult
    write(saved.instructionPointer, original)
    _ = try check(Int(result), "map the gadget", tid: tid)
    write(Gadget.address, Gadget.code)
    for (index, number) in [SyscallNumber.gettimeofday, SyscallNumber.time, SyscallNumber.getcpu].enumerated() {
      let low = UInt8(truncatingIfNeeded: number), high = UInt8(truncatingIfNeeded: number >> 8)
      write(Gadget.vsyscallsAddress + 16 * index, [0xb8, low, high, 0, 0, 0x0f, 0x05, 0xc3])
    }
    write(Gadget.listAddress, Gadget.listCode)
    setRegisters(saved)
    addressSpace.hasGadget = true
    // NX data, read-only code.
    var calls = more
    for (address, protection) in [(Gadget.address, UInt64(0x5)), (Gadget.dataAddress, 0x3)] {
      calls.add(
        "protect the gadget", SyscallNumber.mprotect, .value(address.rawValue), .value(pageSize), .value(protection))
    }
    try perform(calls)
  }

}

import CLinuxShim
package import KernelABI

/// ptrace(2) requests on one tracee. Every call must come from the thread that seized it.
///
/// ESRCH means that the tracee was killed meanwhile (SIGKILL ends every stop): callers treat it as a death that the
/// next wait reports.
package enum Ptrace {
  private enum Request {
    static let continueRun = 7
    static let singleStep = 9
    static let setOptions = 0x4200
    static let syscall = 24
    static let getEventMessage = 0x4201
    static let getSignalInfo = 0x4202
    static let setSignalInfo = 0x4203
    static let getRegisterSet = 0x4204
    static let setRegisterSet = 0x4205
    static let seize = 0x4206
    static let interrupt = 0x4207
    static let listen = 0x4208
    static let getSignalMask = 0x420a
    static let setSignalMask = 0x420b
    static let getRegisters = 12
    static let setRegisters = 13
  }

  /// TRACESYSGOOD, FORK, VFORK, CLONE, EXEC, EXIT, SECCOMP and EXITKILL.
  private static let options = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x40 | 0x80 | 0x10_0000

  private static func request(
    _ request: Int, _ tid: Tid, _ address: UInt = 0, _ data: UInt = 0, _ name: StaticString
  ) throws(KernelError) {
    let result = rrs_ptrace(request, tid.rawValue, address, data)
    if result < 0 { _ = try check(result, "\(name)", tid: tid) }
  }

  package static func seize(_ tid: Tid) throws(KernelError) {
    try request(Request.seize, tid, 0, UInt(options), "PTRACE_SEIZE")
  }
  /// Runs on; `signal` is delivered if the tracee is in a signal-delivery-stop.
  package static func resume(_ tid: Tid, signal: Signal? = nil) throws(KernelError) {
    try request(Request.continueRun, tid, 0, UInt(signal?.rawValue ?? 0), "PTRACE_CONT")
  }
  /// Runs on to the next system-call stop.
  package static func resumeToSyscallStop(_ tid: Tid, signal: Signal? = nil) throws(KernelError) {
    try request(Request.syscall, tid, 0, UInt(signal?.rawValue ?? 0), "PTRACE_SYSCALL")
  }
  package static func step(_ tid: Tid, signal: Signal? = nil) throws(KernelError) {
    try request(Request.singleStep, tid, 0, UInt(signal?.rawValue ?? 0), "PTRACE_SINGLESTEP")
  }
  /// Leaves a group-stop in force: the tracee stays stopped until SIGCONT.
  package static func listen(_ tid: Tid) throws(KernelError) {
    try request(Request.listen, tid, 0, 0, "PTRACE_LISTEN")
  }

  /// Stops a running tracee: a PTRACE_EVENT_STOP with SIGTRAP.
  package static func interrupt(_ tid: Tid) throws(KernelError) {
    try request(Request.interrupt, tid, 0, 0, "PTRACE_INTERRUPT")
  }

  package static func eventMessage(_ tid: Tid) throws(KernelError) -> UInt64 {
    var message: UInt = 0
    try withUnsafeMutablePointer(to: &message) { pointer throws(KernelError) in
      try request(Request.getEventMessage, tid, 0, UInt(bitPattern: pointer), "PTRACE_GETEVENTMSG")
    }
    return UInt64(message)
  }

  package static func registers(_ tid: Tid) throws(KernelError) -> Registers {
    var registers = Registers()
    try withUnsafeMutablePointer(to: &registers) { pointer throws(KernelError) in
      try request(Request.getRegisters, tid, 0, UInt(bitPattern: pointer), "PTRACE_GETREGS")
    }
    return registers
  }

  package static func setRegisters(_ tid: Tid, _ registers: Registers) throws(KernelError) {
    var copy = registers
    try withUnsafeMutablePointer(to: &copy) { pointer throws(KernelError) in
      try request(Request.setRegisters, tid, 0, UInt(bitPattern: pointer), "PTRACE_SETREGS")
    }
  }

  /// The kernel's `siginfo_t` of a signal-delivery-stop.
  package static func signalInfo(_ tid: Tid) throws(KernelError) -> SignalInfo {
    var info = SignalInfo()
    let result = info.withMutableBytes {
      rrs_ptrace(Request.getSignalInfo, tid.rawValue, 0, UInt(bitPattern: $0.baseAddress))
    }
    _ = try check(result, "PTRACE_GETSIGINFO", tid: tid)
    return info
  }

  package static func setSignalInfo(_ tid: Tid, _ info: SignalInfo) throws(KernelError) {
    var copy = info
    let result = copy.withMutableBytes {
      rrs_ptrace(Request.setSignalInfo, tid.rawValue, 0, UInt(bitPattern: $0.baseAddress))
    }
    _ = try check(result, "PTRACE_SETSIGINFO", tid: tid)
  }

  package static func signalMask(_ tid: Tid) throws(KernelError) -> UInt64 {
    var mask: UInt64 = 0
    try withUnsafeMutablePointer(to: &mask) { pointer throws(KernelError) in
      try request(Request.getSignalMask, tid, 8, UInt(bitPattern: pointer), "PTRACE_GETSIGMASK")
    }
    return mask
  }

  package static func setSignalMask(_ tid: Tid, _ mask: UInt64) throws(KernelError) {
    var copy = mask
    try withUnsafeMutablePointer(to: &copy) { pointer throws(KernelError) in
      try request(Request.setSignalMask, tid, 8, UInt(bitPattern: pointer), "PTRACE_SETSIGMASK")
    }
  }

  /// NT_X86_XSTATE of elf(5)'s notes: the XSAVE area in the standard format.
  private static let extendedStateNote: UInt = 0x202

  package static func extendedState(_ tid: Tid) throws(KernelError) -> [UInt8] {
    var result = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: 16384) { buffer, count in
      var vector = IOVector(base: UInt(bitPattern: buffer.baseAddress), count: UInt(buffer.count))
      result = withUnsafeMutablePointer(to: &vector) {
        rrs_ptrace(Request.getRegisterSet, tid.rawValue, extendedStateNote, UInt(bitPattern: $0))
      }
      count = result < 0 ? 0 : Int(vector.count)
    }
    _ = try check(result, "PTRACE_GETREGSET(NT_X86_XSTATE)", tid: tid)
    return bytes
  }

  package static func setExtendedState(_ tid: Tid, _ state: [UInt8]) throws(KernelError) {
    var copy = state
    let result = copy.withUnsafeMutableBytes { bytes in
      var vector = IOVector(base: UInt(bitPattern: bytes.baseAddress), count: UInt(bytes.count))
      return withUnsafeMutablePointer(to: &vector) {
        rrs_ptrace(Request.setRegisterSet, tid.rawValue, extendedStateNote, UInt(bitPattern: $0))
      }
    }
    _ = try check(result, "PTRACE_SETREGSET(NT_X86_XSTATE)", tid: tid)
  }

  private struct IOVector {
    var base: UInt
    var count: UInt
  }
}

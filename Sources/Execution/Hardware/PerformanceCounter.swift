import CLinuxShim
package import KernelABI
import SystemPackage
package import TraceeControl

/// The processor's counter, by way of perf_event_open(2).
package final class PerformanceCounters: TickSource {
  /// What is counted. User mode only, in any case.
  package struct Event: Equatable, Sendable {
    /// `type` of `struct perf_event_attr`: PERF_TYPE_RAW is 4, PERF_TYPE_BREAKPOINT 5.
    package var type: UInt32
    package var config: UInt64 = 0
    /// Of PERF_TYPE_BREAKPOINT: HW_BREAKPOINT_X and the instruction's address.
    package var breakpointType: UInt32 = 0
    package var breakpointAddress: UInt64 = 0

    package init(type: UInt32, config: UInt64 = 0) {
      self.type = type
      self.config = config
    }

    package static func raw(_ config: UInt64) -> Event { Event(type: 4, config: config) }
    /// Executions of one instruction, counted before it. There are such counters on machines without any other.
    package static func executions(of address: UInt64) -> Event {
      var event = Event(type: 5)
      (event.breakpointType, event.breakpointAddress) = (4, address)
      return event
    }
  }

  package let skidMax: UInt64
  private let event: Event

  package init(event: Event, skidMax: UInt64) {
    self.event = event
    self.skidMax = skidMax
  }

  package convenience init(_ processor: Microarchitecture) {
    self.init(event: .raw(processor.event), skidMax: processor.skidMax)
  }

  package func makeCounter(for tracee: Tracee) throws -> any TickCounter {
    try PerformanceCounter(descriptor: Self.open(event, tid: tracee.tid), owner: tracee.tid, skidMax: skidMax)
  }

  /// A disabled counter of one thread, 0 being the caller.
  package static func open(_ event: Event, tid: Tid) throws(KernelError) -> Int32 {
    // struct perf_event_attr as of its second version, 72 bytes. Flags: disabled (0), pinned (2), exclude_kernel (5),
    // exclude_hv (6), exclude_guest (20); a breakpoint's length is that of a long.
    var attributes: [UInt64] = [
      UInt64(event.type) | 72 << 32, event.config, periodMax, 0, 0, 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 20,
      1 | UInt64(event.breakpointType) << 32, event.breakpointAddress, 0,
    ]
    if event.breakpointType != 0 { attributes[8] = 8 }
    let closeOnExec: UInt = 8
    let result = attributes.withUnsafeBytes { bytes in
      rrs_syscall(
        SyscallNumber.perf_event_open, UInt(bitPattern: bytes.baseAddress), UInt(bitPattern: Int(tid.rawValue)), .max,
        .max, closeOnExec, 0)
    }
    return Int32(try check(result, "perf_event_open", tid: tid))
  }

  /// Further than any program goes: no interrupt.
  fileprivate static let periodMax: UInt64 = 1 << 62
}

private final class PerformanceCounter: TickCounter {
  private let descriptor: Int32
  private let skidMax: UInt64
  /// Since `run`.
  private var period: UInt64?
  private var lastCount: UInt64 = 0
  /// The program blocks the interrupt's signal, and doesn't while the counter runs.
  private var isUnblocked = false

  /// SIGSTKFLT: the kernel never sends it, and hardly any program does.
  private static let interrupt = Signal(rawValue: 16)
  private static let interruptBit = UInt64(1) << UInt64(interrupt.rawValue - 1)

  // linux/perf_event.h and fcntl(2).
  private enum Request {
    static let enable: UInt = 0x2400
    static let disable: UInt = 0x2401
    static let reset: UInt = 0x2403
    static let period: UInt = 0x4008_2404
    static let setFlags: UInt = 4
    static let setSignal: UInt = 10
    static let setOwner: UInt = 15
    static let asynchronous: UInt = 0x2000
  }

  init(descriptor: Int32, owner: Tid, skidMax: UInt64) throws(KernelError) {
    self.descriptor = descriptor
    self.skidMax = skidMax
    // struct f_owner_ex: F_OWNER_TID is 0. The tracee gets the signal itself, so that it stops there and then.
    var target: (Int32, Int32) = (0, owner.rawValue)
    try withUnsafeMutablePointer(to: &target) { pointer throws(KernelError) in
      try control(SyscallNumber.fcntl, Request.setOwner, UInt(bitPattern: pointer), "F_SETOWN_EX")
    }
    try control(SyscallNumber.fcntl, Request.setSignal, UInt(Self.interrupt.rawValue), "F_SETSIG")
    try control(SyscallNumber.fcntl, Request.setFlags, Request.asynchronous, "F_SETFL")
  }

  deinit { _ = rrs_close(descriptor) }

  private func control(_ call: Int, _ request: UInt, _ argument: UInt, _ name: StaticString) throws(KernelError) {
    _ = try check(rrs_syscall(call, UInt(descriptor), request, argument, 0, 0, 0), "\(name) of the counter")
  }

  func run(_ tracee: Tracee, stepping: Bool, signal: Signal?, interruptAfter: UInt64?) throws {
    period = interruptAfter
    if interruptAfter != nil { try unblock(tracee) }
    try control(SyscallNumber.ioctl, Request.reset, 0, "PERF_EVENT_IOC_RESET")
    var period = interruptAfter ?? PerformanceCounters.periodMax
    try withUnsafeMutablePointer(to: &period) { pointer throws(KernelError) in
      try control(SyscallNumber.ioctl, Request.period, UInt(bitPattern: pointer), "PERF_EVENT_IOC_PERIOD")
    }
    try control(SyscallNumber.ioctl, Request.enable, 0, "PERF_EVENT_IOC_ENABLE")
    if stepping { try tracee.step(signal: signal) } else { try tracee.resume(signal: signal) }
  }

  func stop(_ tracee: Tracee) throws -> UInt64 {
    try control(SyscallNumber.ioctl, Request.disable, 0, "PERF_EVENT_IOC_DISABLE")
    lastCount = try read(tracee)
    try block(tracee)
    return lastCount
  }

  private func read(_ tracee: Tracee) throws(CounterError) -> UInt64 {
    var count: UInt64 = 0
    let size = rrs_read(descriptor, &count, 8)
    // A pinned event that lost its place reads as the end of a file (perf_event_open(2)).
    guard size == 8 else {
      throw CounterError("the processor's counter was taken from tracee \(tracee.recordedTid): is another profiler on?")
    }
    return count
  }

  func isOverdue(_ tracee: Tracee) throws -> Bool {
    guard let period else { return false }
    return try read(tracee) > period + skidMax
  }

  func isInterrupt(_ info: SignalInfo) -> Bool {
    // si_fd of a signal that F_SETSIG asked for, whose si_code is POLL_IN or another one above zero (sigaction(2)).
    let source = info.bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 24, as: Int32.self) }
    return info.signal == Self.interrupt && info.code > 0 && source == descriptor
  }

  func hasPendingInterrupt(_ tracee: Tracee) -> Bool {
    guard let period, lastCount >= period else { return false }
    return (ProcFS.statusMask(tracee.tid, "SigPnd") ?? 0) & Self.interruptBit != 0
  }

  var maskButInterrupt: UInt64 {
    let faults: [Signal] = [.trap, .segmentationFault, .bus, .floatingPoint, .illegalInstruction, Self.interrupt]
    return faults.reduce(UInt64.max) { $0 & ~(UInt64(1) << UInt64($1.rawValue - 1)) }
  }

  private func unblock(_ tracee: Tracee) throws(KernelError) {
    let mask = try Ptrace.signalMask(tracee.tid)
    guard mask & Self.interruptBit != 0 else { return }
    try Ptrace.setSignalMask(tracee.tid, mask & ~Self.interruptBit)
    isUnblocked = true
  }

  /// For the program its mask is as it was.
  private func block(_ tracee: Tracee) throws(KernelError) {
    guard isUnblocked else { return }
    isUnblocked = false
    do {
      try Ptrace.setSignalMask(tracee.tid, try Ptrace.signalMask(tracee.tid) | Self.interruptBit)
    } catch where error.errno == .noSuchProcess {
      // It is gone.
    }
  }
}

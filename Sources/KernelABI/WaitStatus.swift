/// What wait4(2) says of a tracee, with ptrace(2)'s meaning of stops.
package enum WaitStatus: Equatable, Sendable {
  case exited(code: Int32)
  case killed(Signal, dumpedCore: Bool)
  /// A system-call stop (with PTRACE_O_TRACESYSGOOD).
  case syscallStop
  /// A PTRACE_EVENT stop.
  case event(PtraceEvent, Signal)
  /// A signal-delivery-stop.
  case signalStop(Signal)
  case continued

  package init(raw: Int32) {
    let low = raw & 0x7f
    if low == 0 {
      self = .exited(code: (raw >> 8) & 0xff)
    } else if raw == 0xffff {
      self = .continued
    } else if raw & 0xff == 0x7f {
      let signal = Signal(rawValue: (raw >> 8) & 0x7f)
      if let event = PtraceEvent(rawValue: raw >> 16), raw >> 16 != 0 {
        self = .event(event, signal)
      } else if (raw >> 8) & 0xff == 0x85 {
        self = .syscallStop
      } else {
        self = .signalStop(signal)
      }
    } else {
      self = .killed(Signal(rawValue: low), dumpedCore: raw & 0x80 != 0)
    }
  }

  package var isExec: Bool {
    if case .event(.exec, _) = self { true } else { false }
  }

  /// The status as wait4(2) encodes it, for exits only.
  package var rawExit: Int32? {
    switch self {
    case .exited(let code): (code & 0xff) << 8
    case .killed(let signal, let dumped): signal.rawValue | (dumped ? 0x80 : 0)
    default: nil
    }
  }
}

/// The PTRACE_EVENT_* numbers of ptrace(2).
package enum PtraceEvent: Int32, Sendable {
  case fork = 1
  case vfork = 2
  case clone = 3
  case exec = 4
  case vforkDone = 5
  case exit = 6
  case seccomp = 7
  case stop = 128
}

package import KernelABI
package import Replay

/// Where a timeline came to, and why.
package struct TimelineStop: Equatable, Sendable {
  package enum Reason: Equatable, Sendable {
    case breakpoint(isHardware: Bool)
    case watchpoint(Breakpoint.Kind, address: UInt64)
    case step
    /// About to be delivered.
    case signal(Int32)
    case interrupted
    case historyBegin
    case historyEnd
    /// These are stops behind the event.
    case exec
    case fork(child: Tid)
    case processExit(process: Tid, rawStatus: Int32)
  }

  package var point: TimePoint
  package var tid: Tid
  package var reason: Reason

  package init(point: TimePoint, tid: Tid, reason: Reason) {
    self.point = point
    self.tid = tid
    self.reason = reason
  }
}

package import KernelABI
package import TraceFormat

/// The births and images of a recording's processes: what runs in a process at a time, and since when.
package struct RecordedProcesses: Sendable {
  package struct Birth: Sendable {
    package var event: UInt64
    package var tid: Tid
    package var parent: Tid
    package var isThread: Bool
    package var group: Tid
  }

  package struct Image: Sendable {
    package var event: UInt64
    package var tid: Tid
    package var path: String
  }

  package private(set) var births: [Birth] = []
  package private(set) var images: [Image] = []
  /// The last event of each process that has one.
  package private(set) var ends: [(event: UInt64, tid: Tid)] = []

  /// CLONE_THREAD of clone(2).
  private static let cloneThread: UInt64 = 0x10000

  package init(_ records: RecordCursor<TraceeRecord>) throws(TraceError) {
    while let record = try records.next() {
      switch record.kind {
      case .clone(let parent, let flags, _, let group):
        births.append(
          Birth(
            event: record.event, tid: record.tid, parent: parent, isThread: flags & Self.cloneThread != 0,
            group: group))
      case .exec(let path, _, _, _, _, _, _): images.append(Image(event: record.event, tid: record.tid, path: path))
      case .exit: ends.append((record.event, record.tid))
      case .detach: break
      }
    }
  }

  /// The image that a process has when `event` is done; a forked child's is its parent's.
  package func image(of process: Tid, at event: UInt64) -> Image? {
    if let own = images.last(where: { $0.tid == process && $0.event <= event }) { return own }
    guard let birth = births.last(where: { $0.tid == process && !$0.isThread && $0.event <= event }) else { return nil }
    let parent = births.last { $0.tid == birth.parent && $0.event <= birth.event }?.group ?? birth.parent
    return parent == process ? nil : image(of: parent, at: birth.event)
  }

  /// When a process has its first image of its own: one with this number, or one whose executable has this name or
  /// path.
  package func firstImage(_ process: String) -> Image? {
    images.first { image in
      if let number = Int32(process), image.tid.rawValue == number { return true }
      return image.path == process || image.path.split(separator: "/").last.map(String.init) == process
    }
  }

  /// A process that was forked and ran its parent's program on.
  package func fork(_ process: Tid) -> Birth? { births.first { $0.tid == process && !$0.isThread } }

  /// A child's first event is its own return from the call that made it: it is there then. The first process begins
  /// with its image.
  func firstEvent(of process: Tid, _ index: EventIndex) throws -> UInt64 {
    guard let birth = fork(process) else { return 1 }
    var number = birth.event + 1
    while let entry = try index.event(number) {
      if entry.tid == process { return number }
      number += 1
    }
    return birth.event
  }

  /// When the process's last thread is gone; nil: the recording ends before that.
  package func end(of process: Tid) -> UInt64? {
    let members = Set(births.filter { $0.group == process }.map(\.tid)).union([process])
    return ends.filter { members.contains($0.tid) }.map(\.event).max()
  }
}

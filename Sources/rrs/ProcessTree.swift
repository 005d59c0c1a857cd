import KernelABI
import TraceFormat

/// The processes of a recording, in the order of their births.
struct ProcessTree {
  private(set) var processes: [RecordedProcess] = []
  /// The process that each living tracee belongs to, as an index. Thread numbers can be used again.
  private var indexByTid: [Tid: Int] = [:]

  /// CLONE_THREAD of clone(2).
  private static let cloneThread: UInt64 = 0x10000

  init(_ records: RecordCursor<TraceeRecord>) throws(TraceError) {
    while let record = try records.next() { add(record) }
  }

  private mutating func add(_ record: TraceeRecord) {
    switch record.kind {
    case .clone(let parent, let flags, let ownTid, _):
      if flags & Self.cloneThread != 0 {
        indexByTid[record.tid] = indexByTid[parent]
        return
      }
      let parentPid = indexByTid[parent].map { processes[$0].pid } ?? parent
      append(RecordedProcess(pid: record.tid, ownPid: ownTid, parent: parentPid))
    case .exec(_, let commandLine, _, _, _, _, let previousTid):
      // The first process has no birth; and a thread that executes takes its leader's number.
      let known = indexByTid[previousTid] ?? indexByTid[record.tid]
      if known == nil { append(RecordedProcess(pid: record.tid, ownPid: record.tid, parent: nil)) }
      guard let index = known ?? indexByTid[record.tid] else { return }
      indexByTid[record.tid] = index
      if processes[index].commandLine == nil { processes[index].commandLine = commandLine }
    case .exit(let rawStatus):
      // A process's threads exit too; its leader's status is the process's.
      if let index = indexByTid.removeValue(forKey: record.tid), processes[index].pid == record.tid {
        processes[index].ending = .exited(rawStatus: rawStatus)
      }
    case .detach:
      if let index = indexByTid[record.tid] { processes[index].ending = .detached }
    }
  }

  private mutating func append(_ process: RecordedProcess) {
    indexByTid[process.pid] = processes.count
    processes.append(process)
  }
}

/// One process of a recording.
struct RecordedProcess {
  var pid: Tid
  /// What the process itself sees as its number.
  var ownPid: Tid
  /// Nil for the first process of the recording.
  var parent: Tid?
  /// Of its first execve; nil for one that ran its parent's program.
  var commandLine: [String]?
  var ending = Ending.none

  enum Ending {
    case none
    case exited(rawStatus: Int32)
    case detached
  }

  init(pid: Tid, ownPid: Tid, parent: Tid?) {
    self.pid = pid
    self.ownPid = ownPid
    self.parent = parent
  }

  /// A line of `rrs ps`.
  var row: String {
    let number = pid == ownPid ? "\(pid)" : "\(pid) (\(ownPid))"
    let command = commandLine.map(TextFormat.commandLine) ?? "(forked without exec)"
    return [number, parent.map { "\($0)" } ?? "--", ending.text, command].joined(separator: "\t")
  }
}

extension RecordedProcess.Ending {
  var text: String {
    switch self {
    case .none: "none"
    case .detached: "detach"
    case .exited(let rawStatus):
      switch WaitStatus(raw: rawStatus) {
      case .exited(let code): "\(code)"
      case .killed(let signal, _): "-\(signal.rawValue)"
      default: "none"
      }
    }
  }
}

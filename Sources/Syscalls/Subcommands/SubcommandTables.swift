/// Where a request's row is looked up.
extension SubcommandTable {
  /// The rows of each table that has a fixed list, by request.
  private static let listed: [SubcommandTable: [UInt64: SubcommandRow]] = {
    let lists: [(SubcommandTable, [SubcommandRow])] = [
      (.fcntl, FcntlRows.rows),
      (.prctl, ProcessControlRows.rows),
      (.prctl, ProcessControlRows.recent),
      (.futex, FutexRows.rows),
      (.sharedMemoryControl, SharedMemoryControlRows.rows),
      (.semaphoreControl, SemaphoreControlRows.rows),
      (.messageControl, MessageControlRows.rows),
      (.keyControl, KeyControlRows.rows),
      (.bpf, BPFRows.rows),
      (.quota, QuotaRows.rows),
      (.descriptorTable, DescriptorTableRows.rows),
    ]
    var result: [SubcommandTable: [UInt64: SubcommandRow]] = [:]
    for (table, rows) in lists {
      for row in rows {
        let replaced = result[table, default: [:]].updateValue(row, forKey: row.request)
        precondition(replaced == nil, "two rows for \(table) \(row.request)")
      }
    }
    return result
  }()

  /// The requests that have rows of their own; for tests.
  package var knownRequests: [UInt64] {
    self == .ioctl ? IoctlRequests.known.map(UInt64.init).sorted() : (Self.listed[self]?.keys.sorted() ?? [])
  }

  /// The row for a request, and whether it is a guess.
  func lookUp(_ request: UInt64, second: UInt64) -> (row: SubcommandRow, isGuess: Bool)? {
    switch self {
    case .ioctl:
      return IoctlRequests.row(UInt32(truncatingIfNeeded: request))
    case .socketOptionGet:
      return (SocketOptionRows.get(level: second & 0xffff_ffff, option: request & 0xffff_ffff), false)
    case .socketOptionSet:
      return (SocketOptionRows.set(level: second & 0xffff_ffff, option: request & 0xffff_ffff), false)
    case .prctl where request == ProcessControlRows.enableTimeStampCounter.request:
      // PR_TSC_ENABLE is 1, PR_TSC_SIGSEGV 2 (linux/prctl.h).
      return (second == 2 ? ProcessControlRows.trapTimeStampCounter : ProcessControlRows.enableTimeStampCounter, false)
    default:
      let key = significantPart(of: request)
      if let row = Self.listed[self]?[key] { return (row, false) }
      return (SubcommandRow(request, "0x" + String(key, radix: 16), [.inputOutput(.fixed(256), .structure)]), true)
    }
  }

  /// The bits of a request that name the operation.
  func significantPart(of request: UInt64) -> UInt64 {
    switch self {
    // FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME are modifiers (futex(2)).
    case .futex: request & 0x7f
    // IPC_64 (linux/ipc.h)
    case .sharedMemoryControl, .semaphoreControl, .messageControl: request & 0xffff_feff
    // The quota type is in the low byte (SUBCMDSHIFT of linux/quota.h).
    case .quota: (request & 0xffff_ffff) >> 8
    default: request & 0xffff_ffff
    }
  }
}

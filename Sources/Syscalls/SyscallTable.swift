/// Every x86-64 system call of Linux up to 6.18, by number.
package enum SyscallTable {
  /// Every row, by rising number.
  package static let all: [SyscallDescriptor] = {
    let families: [[SyscallDescriptor]] = [
      FileRows.rows, PathRows.rows, FileSystemRows.rows, MemoryRows.rows, ProcessRows.rows, SignalRows.rows,
      SocketRows.rows, PollingRows.rows, TimeRows.rows, InterProcessRows.rows, IdentityRows.rows, SchedulingRows.rows,
      SystemRows.rows,
    ]
    return families.flatMap { $0 }.sorted { $0.number < $1.number }
  }()

  /// Dense, so that a stop costs one subscript; nil where the kernel has no call.
  private static let byNumber: [SyscallDescriptor?] = {
    var table = [SyscallDescriptor?](repeating: nil, count: (all.last?.number ?? -1) + 1)
    for row in all {
      precondition(table[row.number] == nil, "two rows for system call \(row.number)")
      table[row.number] = row
    }
    return table
  }()

  /// The row of that call; nil for a number that Linux doesn't have. The kernel answers those with ENOSYS.
  package static func descriptor(_ number: Int) -> SyscallDescriptor? {
    byNumber.indices.contains(number) ? byNumber[number] : nil
  }

  /// The row of the call of that kernel name.
  package static func named(_ name: String) -> SyscallDescriptor? {
    all.first { $0.name == name }
  }

  /// The call's name; `syscall_N` for a number without a row, as strace has it.
  package static func name(_ number: Int) -> String {
    descriptor(number)?.name ?? "syscall_\(number)"
  }
}

/// fcntl(2).
enum FcntlRows {
  private static let lock: [Parameter.Kind] = [.input(.fixed(KernelSize.fileLock), .fileLock)]
  private static let lockResult: [Parameter.Kind] = [.inputOutput(.fixed(KernelSize.fileLock), .fileLock)]

  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0, "F_DUPFD", [.integer]),
    .init(1, "F_GETFD", []),
    .init(2, "F_SETFD", [.flags(.descriptorFlags)]),
    .init(3, "F_GETFL", []),
    .init(4, "F_SETFL", [.flags(.openFlags)]),
    .init(5, "F_GETLK", lockResult),
    .init(6, "F_SETLK", lock),
    .init(7, "F_SETLKW", .maybe, .emulate, lock),
    .init(8, "F_SETOWN", [.pid]),
    .init(9, "F_GETOWN", []),
    .init(10, "F_SETSIG", [.signal]),
    .init(11, "F_GETSIG", []),
    .init(15, "F_SETOWN_EX", [.input(.fixed(KernelSize.fileOwner), .structure)]),
    .init(16, "F_GETOWN_EX", [.output(.fixed(KernelSize.fileOwner), .structure)]),
    .init(17, "F_GETOWNER_UIDS", [.output(.fixed(8), .int32Pair)]),
    .init(36, "F_OFD_GETLK", lockResult),
    .init(37, "F_OFD_SETLK", lock),
    .init(38, "F_OFD_SETLKW", .maybe, .emulate, lock),
    .init(1024, "F_SETLEASE", [.choice(.leaseType)]),
    .init(1025, "F_GETLEASE", []),
    .init(1026, "F_NOTIFY", [.hex]),
    .init(1027, "F_DUPFD_QUERY", [.descriptor]),
    .init(1028, "F_CREATED_QUERY", []),
    .init(1029, "F_CANCELLK", [.hex]),
    .init(1030, "F_DUPFD_CLOEXEC", [.integer]),
    .init(1031, "F_SETPIPE_SZ", [.integer]),
    .init(1032, "F_GETPIPE_SZ", []),
    .init(1033, "F_ADD_SEALS", [.flags(.sealFlags)]),
    .init(1034, "F_GET_SEALS", []),
    .init(1035, "F_GET_RW_HINT", [.output(.fixed(8), .int64)]),
    .init(1036, "F_SET_RW_HINT", [.input(.fixed(8), .int64)]),
    .init(1037, "F_GET_FILE_RW_HINT", [.output(.fixed(8), .int64)]),
    .init(1038, "F_SET_FILE_RW_HINT", [.input(.fixed(8), .int64)]),
    .init(1039, "F_GETDELEG", [.inputOutput(.fixed(8), .structure)]),
    .init(1040, "F_SETDELEG", [.input(.fixed(8), .structure)]),
  ]
}

/// futex(2). A row's kinds start at `val`: val, utime (or val2), uaddr2, val3.
///
/// The kernel writes the word itself in the priority-inheriting operations: the recorder keeps it at the entry of a
/// call that sleeps, and at the exit (`Recording/Syscalls/PriorityInheritance.swift`).
enum FutexRows {
  private static let timeout = Parameter.Kind.input(.fixed(KernelSize.timespec), .timespec)
  private static let inheritanceNote =
    "The kernel moves waiters to a priority-inheriting lock while threads run; that can't be recorded."

  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0, "FUTEX_WAIT", .maybe, .emulate, [.unsigned, timeout]),
    .init(1, "FUTEX_WAKE", [.integer]),
    .init(2, "FUTEX_FD", [.integer]),
    .init(3, "FUTEX_REQUEUE", [.integer, .integer, .address]),
    .init(4, "FUTEX_CMP_REQUEUE", [.integer, .integer, .address, .unsigned]),
    .init(5, "FUTEX_WAKE_OP", [.integer, .integer, .output(.fixed(4), .int32), .hex]),
    .init(6, "FUTEX_LOCK_PI", .maybe, .emulate, [.unused, timeout]),
    .init(7, "FUTEX_UNLOCK_PI", []),
    .init(8, "FUTEX_TRYLOCK_PI", []),
    .init(9, "FUTEX_WAIT_BITSET", .maybe, .emulate, [.unsigned, timeout, .unused, .hex]),
    .init(10, "FUTEX_WAKE_BITSET", [.integer, .unused, .unused, .hex]),
    .init(11, "FUTEX_WAIT_REQUEUE_PI", .never, .unsupported(errno: 38), [.unsigned, timeout, .address],
      note: inheritanceNote),
    .init(12, "FUTEX_CMP_REQUEUE_PI", .never, .unsupported(errno: 38), [.integer, .integer, .address, .unsigned],
      note: inheritanceNote),
    .init(13, "FUTEX_LOCK_PI2", .maybe, .emulate, [.unused, timeout]),
  ]
}

/// modify_ldt(2). Reading the table is harmless; a changed table would have to be set in replay too.
enum DescriptorTableRows {
  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0, "read", [.output(.result(max: 2), .structure), .unsigned]),
    .init(1, "write", .never, .unsupported(errno: 38), [.input(.argument(2), .structure), .unsigned],
      note: "Segments of the program's own aren't set again in replay."),
    .init(2, "read_default", [.output(.result(max: 2), .structure), .unsigned]),
    .init(0x11, "write", .never, .unsupported(errno: 38), [.input(.argument(2), .structure), .unsigned],
      note: "Segments of the program's own aren't set again in replay."),
  ]
}

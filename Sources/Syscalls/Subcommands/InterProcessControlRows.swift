/// shmctl(2). IPC_64 (0x100) may be set in any command; 64-bit programs need not.
enum SharedMemoryControlRows {
  private static let status: [Parameter.Kind] = [.output(.fixed(KernelSize.sharedMemoryStatus), .structure)]

  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0, "IPC_RMID", []),
    .init(1, "IPC_SET", [.input(.fixed(KernelSize.sharedMemoryStatus), .structure)]),
    .init(2, "IPC_STAT", status),
    .init(3, "IPC_INFO", [.output(.fixed(KernelSize.sharedMemoryLimits), .structure)]),
    .init(11, "SHM_LOCK", []),
    .init(12, "SHM_UNLOCK", []),
    .init(13, "SHM_STAT", status),
    .init(14, "SHM_INFO", [.output(.fixed(KernelSize.sharedMemoryUse), .structure)]),
    .init(15, "SHM_STAT_ANY", status),
  ]
}

/// semctl(2).
enum SemaphoreControlRows {
  private static let status: [Parameter.Kind] = [.output(.fixed(KernelSize.semaphoreStatus), .structure)]
  private static let limits: [Parameter.Kind] = [.output(.fixed(KernelSize.semaphoreLimits), .structure)]
  /// GETALL writes one 16-bit value for each semaphore of the set, whose number isn't in the call: as many as Linux
  /// allows (SEMMSL, 32000). Bytes that didn't change do no harm.
  private static let values: [Parameter.Kind] = [.output(.fixed(64000), .bytes)]

  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0, "IPC_RMID", []),
    .init(1, "IPC_SET", [.input(.fixed(KernelSize.semaphoreStatus), .structure)]),
    .init(2, "IPC_STAT", status),
    .init(3, "IPC_INFO", limits),
    .init(11, "GETPID", []),
    .init(12, "GETVAL", []),
    .init(13, "GETALL", values),
    .init(14, "GETNCNT", []),
    .init(15, "GETZCNT", []),
    .init(16, "SETVAL", [.integer]),
    .init(17, "SETALL", [.address]),
    .init(18, "SEM_STAT", status),
    .init(19, "SEM_INFO", limits),
    .init(20, "SEM_STAT_ANY", status),
  ]
}

/// msgctl(2).
enum MessageControlRows {
  private static let status: [Parameter.Kind] = [.output(.fixed(KernelSize.messageQueueStatus), .structure)]
  private static let limits: [Parameter.Kind] = [.output(.fixed(KernelSize.messageQueueLimits), .structure)]

  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0, "IPC_RMID", []),
    .init(1, "IPC_SET", [.input(.fixed(KernelSize.messageQueueStatus), .structure)]),
    .init(2, "IPC_STAT", status),
    .init(3, "IPC_INFO", limits),
    .init(11, "MSG_STAT", status),
    .init(12, "MSG_INFO", limits),
    .init(13, "MSG_STAT_ANY", status),
  ]
}

/// keyctl(2). Kinds start at arg2. A read returns the full size, also if the buffer is smaller.
enum KeyControlRows {
  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0, "KEYCTL_GET_KEYRING_ID", [.integer, .integer]),
    .init(1, "KEYCTL_JOIN_SESSION_KEYRING", [.string]),
    .init(2, "KEYCTL_UPDATE", [.integer, .input(.argument(3)), .unsigned]),
    .init(3, "KEYCTL_REVOKE", [.integer]),
    .init(4, "KEYCTL_CHOWN", [.integer, .uid, .uid]),
    .init(5, "KEYCTL_SETPERM", [.integer, .hex]),
    .init(6, "KEYCTL_DESCRIBE", [.integer, .output(.result(max: 3), .string), .unsigned]),
    .init(7, "KEYCTL_CLEAR", [.integer]),
    .init(8, "KEYCTL_LINK", [.integer, .integer]),
    .init(9, "KEYCTL_UNLINK", [.integer, .integer]),
    .init(10, "KEYCTL_SEARCH", [.integer, .string, .string, .integer]),
    .init(11, "KEYCTL_READ", [.integer, .output(.result(max: 3)), .unsigned]),
    .init(12, "KEYCTL_INSTANTIATE", [.integer, .input(.argument(3)), .unsigned, .integer]),
    .init(13, "KEYCTL_NEGATE", [.integer, .unsigned, .integer]),
    .init(14, "KEYCTL_SET_REQKEY_KEYRING", [.integer]),
    .init(15, "KEYCTL_SET_TIMEOUT", [.integer, .unsigned]),
    .init(16, "KEYCTL_ASSUME_AUTHORITY", [.integer]),
    .init(17, "KEYCTL_GET_SECURITY", [.integer, .output(.result(max: 3), .string), .unsigned]),
    .init(18, "KEYCTL_SESSION_TO_PARENT", []),
    .init(19, "KEYCTL_REJECT", [.integer, .unsigned, .unsigned, .integer]),
    .init(20, "KEYCTL_INSTANTIATE_IOV", [.integer, .inputVector(count: 3), .unsigned, .integer]),
    .init(21, "KEYCTL_INVALIDATE", [.integer]),
    .init(22, "KEYCTL_GET_PERSISTENT", [.uid, .integer]),
    .init(23, "KEYCTL_DH_COMPUTE", [.input(.fixed(12), .structure), .output(.result(max: 3)), .unsigned, .address]),
    .init(24, "KEYCTL_PKEY_QUERY", [.integer, .unsigned, .string, .output(.fixed(56), .structure)]),
    .init(25, "KEYCTL_PKEY_ENCRYPT", [.input(.fixed(40), .structure), .string, .address, .output(.fixed(4096))]),
    .init(26, "KEYCTL_PKEY_DECRYPT", [.input(.fixed(40), .structure), .string, .address, .output(.fixed(4096))]),
    .init(27, "KEYCTL_PKEY_SIGN", [.input(.fixed(40), .structure), .string, .address, .output(.fixed(4096))]),
    .init(28, "KEYCTL_PKEY_VERIFY", [.input(.fixed(40), .structure), .string, .address, .address]),
    .init(29, "KEYCTL_RESTRICT_KEYRING", [.integer, .string, .string]),
    .init(30, "KEYCTL_MOVE", [.integer, .integer, .integer, .hex]),
    .init(31, "KEYCTL_CAPABILITIES", [.output(.argument(2)), .unsigned]),
    .init(32, "KEYCTL_WATCH_KEY", [.integer, .descriptor, .integer]),
  ]
}

/// quotactl(2) and quotactl_fd(2): the command is `SUBCMDWORD << 8 | type`. Kinds start at addr.
enum QuotaRows {
  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0x800001, "Q_SYNC", []),
    .init(0x800002, "Q_QUOTAON", [.path]),
    .init(0x800003, "Q_QUOTAOFF", []),
    .init(0x800004, "Q_GETFMT", [.output(.fixed(4), .int32)]),
    .init(0x800005, "Q_GETINFO", [.output(.fixed(KernelSize.quotaInfo), .structure)]),
    .init(0x800006, "Q_SETINFO", [.input(.fixed(KernelSize.quotaInfo), .structure)]),
    .init(0x800007, "Q_GETQUOTA", [.output(.fixed(KernelSize.quotaBlock), .structure)]),
    .init(0x800008, "Q_SETQUOTA", [.input(.fixed(KernelSize.quotaBlock), .structure)]),
    .init(0x800009, "Q_GETNEXTQUOTA", [.output(.fixed(KernelSize.nextQuotaBlock), .structure)]),
    .init(0x5801, "Q_XQUOTAON", [.input(.fixed(4), .int32)]),
    .init(0x5802, "Q_XQUOTAOFF", [.input(.fixed(4), .int32)]),
    .init(0x5803, "Q_XGETQUOTA", [.output(.fixed(112), .structure)]),
    .init(0x5804, "Q_XSETQLIM", [.input(.fixed(112), .structure)]),
    .init(0x5805, "Q_XGETQSTAT", [.output(.fixed(80), .structure)]),
    .init(0x5806, "Q_XQUOTARM", [.input(.fixed(4), .int32)]),
    .init(0x5807, "Q_XQUOTASYNC", []),
    .init(0x5808, "Q_XGETQSTATV", [.inputOutput(.fixed(160), .structure)]),
    .init(0x5809, "Q_XGETNEXTQUOTA", [.output(.fixed(112), .structure)]),
  ]
}

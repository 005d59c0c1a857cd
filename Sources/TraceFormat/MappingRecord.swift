package import KernelABI

/// One mapping that a recorded process made (stream `mmaps`), in order of event number.
package struct MappingRecord: Equatable, Sendable {
  /// The event (system-call exit or image start) that made it.
  package var event: UInt64
  /// A tracee of its address space.
  package var tid: Tid
  package var range: RemoteRange
  /// PROT_* of mmap(2).
  package var protection: Int32
  /// MAP_* of mmap(2); MAP_SHARED or MAP_PRIVATE, MAP_ANONYMOUS, MAP_GROWSDOWN and others that replay needs.
  package var flags: Int32
  /// The mapping's name as /proc/PID/maps shows it: a path, `[stack]`, `[heap]`, or empty.
  package var name: String
  /// The offset in the file, in bytes.
  package var fileOffset: UInt64
  package var device: UInt64
  package var inode: UInt64
  /// The file's size in bytes; for `[stack]`, the limit of its growth (RLIMIT_STACK).
  package var fileSize: UInt64
  /// Modification time of the file, in nanoseconds since the epoch.
  package var fileModified: Int64
  package var fileMode: UInt32
  package var fileUserID: UInt32
  package var fileGroupID: UInt32
  package var source: Source
  /// Of the whole file that `source` names: in a packed trace.
  package var contentHash: Digest?

  package init(
    event: UInt64, tid: Tid, range: RemoteRange, protection: Int32, flags: Int32, name: String, source: Source
  ) {
    self.event = event
    self.tid = tid
    self.range = range
    self.protection = protection
    self.flags = flags
    self.name = name
    self.fileOffset = 0
    self.device = 0
    self.inode = 0
    self.fileSize = 0
    self.fileModified = 0
    self.fileMode = 0
    self.fileUserID = 0
    self.fileGroupID = 0
    self.source = source
  }

  /// Where replay takes the bytes from.
  package enum Source: Equatable, Sendable {
    /// Zero-filled, or filled by the event's memory writes.
    case zero
    /// The bytes from the start of the mapping on; what they don't cover is zero.
    case data(DataRange)
    /// A file in the trace's `files/`, by its name there, at `fileOffset`.
    case traceFile(String)
    /// A file outside of the trace at its absolute path, at `fileOffset`; its size and modification time must agree.
    case outsideFile(String)
  }
}

/// A birth, a new image, or a death in the process tree (stream `tracees`), in order of event number.
package struct TraceeRecord: Equatable, Sendable {
  package var event: UInt64
  package var tid: Tid
  package var kind: Kind

  package init(event: UInt64, tid: Tid, kind: Kind) {
    self.event = event
    self.tid = tid
    self.kind = kind
  }

  package enum Kind: Equatable, Sendable {
    /// Made by `parent` with clone(2) flags; a fork has SIGCHLD alone, a vfork CLONE_VM and CLONE_VFORK too.
    /// `ownNamespaceTid` is what the tracee itself sees as its tid. The trace's first tracee has no such record.
    case clone(parent: Tid, flags: UInt64, ownNamespaceTid: Tid, threadGroup: Tid)
    /// `previousTid` differs from the record's tid when a thread other than the leader called execve.
    case exec(
      fileName: String, commandLine: [String], environment: [String], executableBase: RemotePointer,
      interpreterBase: RemotePointer, interpreterName: String, previousTid: Tid)
    case exit(rawStatus: Int32)
    case detach
  }
}

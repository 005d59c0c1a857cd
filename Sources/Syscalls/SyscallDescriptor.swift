/// One row of the system-call table: what the recorder, the replayer and `dump` know of a call.
package struct SyscallDescriptor: Sendable {
  package var number: Int
  /// The kernel's name.
  package var name: String
  package var blocking: Blocking
  package var policy: Policy
  package var parameters: [Parameter]
  /// Why a call is unsupported, or what is special about it; shown to users.
  package var note: String?

  package init(
    _ number: Int, _ name: String, _ blocking: Blocking, _ policy: Policy, _ parameters: [Parameter],
    note: String? = nil
  ) {
    self.number = number
    self.name = name
    self.blocking = blocking
    self.policy = policy
    self.parameters = parameters
    self.note = note
  }

  /// Whether a call may sleep until another tracee, or the outside, does something.
  package enum Blocking: Sendable {
    case never
    case maybe
  }

  /// What recording and replay do with a call.
  package enum Policy: Equatable, Sendable {
    /// Record: let the kernel do it, keep the result and the output parameters. Replay: feed them back.
    case emulate
    /// Code on both sides, because a row can't say it: address space, process tree, signals.
    case special(SpecialHandler)
    /// The output parameters depend on a request or command; `SubcommandTable` has a row for each.
    case subcommand(SubcommandTable)
    /// The kernel never sees the call: the tracee gets this errno (positive), silently, as from a kernel built without
    /// the feature. Programs have a fall-back. 0 stands for success: the call has no effect and returns 0.
    case refuse(errno: Int32)
    /// As `refuse`, but the user is told by name and the recording is marked.
    case unsupported(errno: Int32)
  }
}

/// The calls that need code. One word a family; `Recording/Syscalls` and `Replay/Syscalls` have a handler for each.
package enum SpecialHandler: String, Sendable, CaseIterable {
  /// mmap
  case map
  /// munmap
  case unmap
  /// mremap
  case remap
  /// mprotect, pkey_mprotect
  case protect
  /// brk
  case programBreak
  /// madvise, process_madvise
  case advise
  /// shmat
  case attachSharedMemory
  /// shmdt
  case detachSharedMemory
  /// remap_file_pages, map_shadow_stack and the like are unsupported rows.
  /// fork, vfork, clone, clone3
  case clone
  /// execve, execveat
  case exec
  /// exit, exit_group
  case exit
  /// rt_sigreturn
  case signalReturn
  /// arch_prctl
  case archControl
  /// wait4, waitid
  case wait
  /// write-like calls on files that may be mapped shared: write, pwrite64, writev, pwritev(2), sendfile, splice,
  /// copy_file_range, ftruncate, truncate, fallocate. Their parameters are recorded by the row as usual.
  case writeFile
  /// Row-described output, and the received descriptors are noted: recvmsg, recvmmsg.
  case receiveMessage
  /// Row-described output, and the opened file is noted: open, openat, openat2, creat.
  case open
  /// sched_setaffinity, sched_getaffinity, getcpu: the tracee sees one processor (or `--num-cores`).
  case affinity
  /// sched_yield, setpriority: the recorder's scheduler listens.
  case scheduling
  /// set_tid_address, set_robust_list: bookkeeping for thread exit. Emulated, executed in neither.
  case threadBookkeeping
  /// restart_syscall
  case restart
  /// process_vm_writev, ptrace pokes: writes into another tracee.
  case remoteMemory
  /// getdents of /proc/PID/fd, reads of /proc/PID/mem and others go through `emulate`; kill, tkill, tgkill,
  /// rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_send_signal: signals between tracees.
  case sendSignal
}

/// One parameter of a call.
package struct Parameter: Sendable {
  package var name: String
  package var kind: Kind

  package init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }

  package enum Kind: Sendable {
    /// Without meaning for this request; not printed.
    case unused
    /// An `int`, printed in decimal; the upper half of its register means nothing.
    case integer
    /// A 64-bit signed offset or length.
    case long
    case unsigned
    case hex
    /// A 32-bit signed descriptor, AT_FDCWD by name.
    case descriptor
    /// A file mode, printed in octal.
    case mode
    case pid
    case signal
    case uid
    /// An address that the kernel neither reads nor writes for its result (mmap's hint, futex word).
    case address
    /// Flags or an enumeration with names from an xlat table.
    case flags(NameTable)
    case choice(NameTable)
    /// A NUL-terminated string that the kernel reads.
    case path
    case string
    /// argv or envp.
    case stringArray
    /// Bytes that the kernel reads.
    case input(ByteCount, Format = .bytes)
    /// Bytes that the kernel writes.
    case output(ByteCount, Format = .bytes)
    /// Bytes that the kernel reads and writes.
    case inputOutput(ByteCount, Format = .bytes)
    /// An iovec array whose buffers the kernel reads; the count is argument `count`.
    case inputVector(count: Int)
    /// An iovec array whose buffers the kernel fills, `result` bytes in all.
    case outputVector(count: Int)
    /// A msghdr that the kernel reads (sendmsg), its iovec and control included.
    case inputMessage
    /// A msghdr that the kernel fills: name, control, flags, and `result` bytes over its iovec.
    case outputMessage
    /// An array of mmsghdr, count in argument `count`; `result` of them were sent or received, and the kernel wrote
    /// `msg_len` of each of those, when sending as well (sendmmsg(2)).
    case inputMessages(count: Int)
    case outputMessages(count: Int)
    /// A structure that the kernel reads and writes, and that points to further buffers, which the kernel writes
    /// (SIOCGIFCONF, getxattrat(2)). Pointers and counts are read from the structure after the call.
    case structureWithBuffers(ByteCount, [NestedBuffer])
  }

  /// A buffer that a structure points to.
  package struct NestedBuffer: Sendable {
    /// Where in the structure the 64-bit pointer lies.
    package var pointerAt: Int
    package var count: Count

    package init(pointerAt: Int, _ count: Count) {
      self.pointerAt = pointerAt
      self.count = count
    }

    package enum Count: Sendable {
      case fixed(Int)
      /// As many bytes as the call returned.
      case result
      /// Elements of `size` bytes; the structure has their number at `at`, in 16, 32 or 64 bits.
      case word16(at: Int, size: Int)
      case word32(at: Int, size: Int)
      case word64(at: Int, size: Int)
    }
  }

  /// How many bytes a buffer has. Argument indices are 0...5.
  package enum ByteCount: Sendable {
    case fixed(Int)
    /// Argument `index` bytes.
    case argument(Int)
    /// Argument `count` elements of `size` bytes.
    case elements(Int, count: Int)
    /// As many bytes as the call returned; no more than argument `max`.
    case result(max: Int)
    /// As many elements of `size` bytes as the call returned; no more than argument `max`.
    case resultElements(Int, max: Int)
    /// A value-result length: argument `index` points to a 32-bit length, which the kernel updates. The bytes written
    /// are the lesser of before and after. (The length word itself is a parameter of its own.)
    case lengthPointer(Int)
    /// A 64-bit value-result length behind argument `index`.
    case lengthPointer64(Int)
    /// An fd_set of argument `count` bits, rounded up to 8 bytes.
    case descriptorSet(count: Int)
    /// A NUL-terminated string of at most that many bytes, as far as its NUL.
    case terminatedString(max: Int)
    /// Bytes as said by the first 32-bit word of the buffer itself (clone_args-like `size` fields, ifconf, …).
    case selfDescribed32
    /// One byte for each page of argument `index` bytes (mincore).
    case pages(Int)
    /// A header of that many bytes and as many bytes as the call returned, no more than argument `max` (msgrcv).
    /// Nothing if the call failed.
    case headerAndResult(Int, max: Int)
    /// A header of `header` bytes, then elements of `size` bytes; how many says the 32-bit word at `countAt` in the
    /// header, which the kernel may update: the lesser of before and after (file_handle, fiemap).
    case counted(header: Int, countAt: Int, size: Int)
  }

  /// How `dump` shows a buffer's contents.
  package enum Format: Sendable {
    case bytes
    case text
    /// Text as far as its NUL.
    case string
    case timespec
    case timeval
    case stat
    case statx
    case signalSet
    case signalAction
    case signalInfo
    case pollDescriptors
    case descriptorSet
    case epollEvents
    case socketAddress
    /// One or more 32-bit numbers.
    case int32
    case int64
    case pointer
    case int32Pair
    case resourceLimit
    case itimerspec
    case itimerval
    case utsname
    case directoryEntries
    case waitStatus
    case resourceUsage
    case fileLock
    case windowSize
    case terminal
    case structure
  }
}

/// A request- or command-keyed table for calls such as ioctl.
package enum SubcommandTable: String, Sendable, CaseIterable {
  case ioctl
  case fcntl
  case prctl
  case socketOptionGet
  case socketOptionSet
  case futex
  case sharedMemoryControl
  case semaphoreControl
  case messageControl
  case keyControl
  case bpf
  case quota
  /// modify_ldt
  case descriptorTable
}

package import KernelABI

/// One recorded input. Events are numbered from 1 over the whole trace.
package struct TraceEvent: Equatable, Sendable {
  /// The number, as `-g` takes it. The writer assigns it.
  package var number: UInt64 = 0
  /// The tracee it happened to, by its number at recording.
  package var tid: Tid
  /// The tracee's ticks at the event.
  package var ticks: UInt64
  /// CLOCK_MONOTONIC at recording, in nanoseconds.
  package var monotonicNanoseconds: UInt64
  package var kind: Kind
  /// The application's registers after the event; nil for kinds that have none (`.end`, `.note`).
  package var registers: Registers?
  /// The XSAVE area after the event, in the standard format of PTRACE_GETREGSET(NT_X86_XSTATE), where the kernel
  /// changed it; empty elsewhere.
  package var extendedState: [UInt8] = []
  /// What the kernel (or rrs in its place) wrote into tracees, in order.
  package var memoryWrites: [MemoryWrite] = []
  /// What was written into files that recorded processes have mapped shared, in order.
  package var fileWrites: [FileWrite] = []
  /// A checksum of all writable memory after the event, with `-C`: see `Checksum`.
  package var memoryChecksum: UInt64?

  package init(
    tid: Tid, ticks: UInt64, monotonicNanoseconds: UInt64, kind: Kind, registers: Registers?
  ) {
    self.tid = tid
    self.ticks = ticks
    self.monotonicNanoseconds = monotonicNanoseconds
    self.kind = kind
    self.registers = registers
  }

  package enum Kind: Equatable, Sendable {
    case syscall(SyscallEvent)
    case signal(SignalEvent)
    /// An instruction whose result isn't a function of the program's state; the result is in `registers`.
    case instruction(NondeterministicInstruction)
    /// The end of a time slice: another tracee runs from here on.
    case preemption
    /// The tracee is gone. `rawStatus` as wait4(2) encodes it.
    case exit(rawStatus: Int32)
    /// A process image starts: execve has succeeded and its mappings are in place.
    case imageStart
    case checkpointSaved(id: UInt64, stateHash: [UInt8])
    case checkpointLoaded(id: UInt64, stateHash: [UInt8])
    /// Something that the user of the recording must know, such as a system call that rrs can't record exactly.
    case note(String)
    /// The recording ended cleanly. A trace without it was cut short.
    case end
  }
}

package struct SyscallEvent: Equatable, Sendable {
  package var number: Int
  package var phase: Phase
  /// Descriptors that the call opened.
  package var openedFiles: [OpenedFile] = []
  /// The file offset at which a write happened, for descriptors with a position.
  package var writeOffset: Int64?
  /// Raw socket addresses of an accept, connect or the like.
  package var localAddress: [UInt8] = []
  package var remoteAddress: [UInt8] = []
  /// What was written goes to rrs's own stdout (1) or stderr (2) too, 0 elsewhere: replay shows it again.
  package var shownOn: UInt8 = 0
  /// The new tracee of a fork, vfork, clone or clone3.
  package var newTid: Tid?

  package init(number: Int, phase: Phase) {
    self.number = number
    self.phase = phase
  }

  package enum Phase: UInt8, Sendable {
    /// The tracee is in the call, and others run before it is done.
    case entry = 0
    /// The call is done; `registers` are those it returned with.
    case exit = 1
    /// A signal interrupted the call: the result is one of the kernel's internal restart codes (-512...-516), and the
    /// call is made again unless a handler runs.
    case interrupted = 2
  }
}

package struct OpenedFile: Equatable, Sendable {
  package var descriptor: Int32
  package var path: String
  package var device: UInt64
  package var inode: UInt64

  package init(descriptor: Int32, path: String, device: UInt64, inode: UInt64) {
    self.descriptor = descriptor
    self.path = path
    self.device = device
    self.inode = inode
  }
}

package struct SignalEvent: Equatable, Sendable {
  package var signal: Signal
  /// The kernel's 128-byte `siginfo_t`.
  package var siginfo: [UInt8]
  /// Raised by the tracee's own instruction, so that replay meets it by itself.
  package var isDeterministic: Bool
  package var disposition: Disposition

  package init(signal: Signal, siginfo: [UInt8], isDeterministic: Bool, disposition: Disposition) {
    self.signal = signal
    self.siginfo = siginfo
    self.isDeterministic = isDeterministic
    self.disposition = disposition
  }

  package enum Disposition: UInt8, Sendable {
    /// A handler runs: the frame is in `memoryWrites`, `registers` are those at its first instruction.
    case handler = 0
    /// The thread group dies of it.
    case fatal = 1
    /// Nothing that the program can see.
    case ignored = 2
    /// The thread group stops.
    case stop = 3
  }
}

package enum NondeterministicInstruction: UInt8, Sendable {
  case rdtsc = 0
  case rdtscp = 1
  case cpuid = 2
  case rdrand = 3
  case rdseed = 4
  case rdpid = 5
  case xgetbv = 6
  case rdpmc = 7
}

/// Bytes written into a tracee's memory; they lie in the `data` stream.
package struct MemoryWrite: Equatable, Sendable {
  /// A tracee of the address space written to.
  package var tid: Tid
  package var address: RemotePointer
  package var data: DataRange

  package init(tid: Tid, address: RemotePointer, data: DataRange) {
    self.tid = tid
    self.address = address
    self.data = data
  }
}

/// A change to a file that recorded processes have mapped shared, made through a descriptor.
package struct FileWrite: Equatable, Sendable {
  package var device: UInt64
  package var inode: UInt64
  /// Where in the file, in bytes.
  package var offset: UInt64
  package var data: DataRange
  /// The file's size after the change, in bytes; 0 along with data: unchanged.
  package var newSize: UInt64

  package init(device: UInt64, inode: UInt64, offset: UInt64, data: DataRange, newSize: UInt64) {
    self.device = device
    self.inode = inode
    self.offset = offset
    self.data = data
    self.newSize = newSize
  }
}

/// A range of the uncompressed `data` stream, in bytes.
package struct DataRange: Equatable, Hashable, Sendable {
  package var offset: UInt64
  package var byteCount: UInt64

  package init(offset: UInt64, byteCount: UInt64) {
    self.offset = offset
    self.byteCount = byteCount
  }
}

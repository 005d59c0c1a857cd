@0xcc5129781399813d;

# The messages of an rrs trace, format version 1. docs/trace-format.md says how blocks hold them and how versions work.
#
# Rules: fields are only ever added, at the end; a field's meaning never changes. What a reader of version 1 could not
# ignore gets a new format version. Numbers without a unit are the kernel's. A reader trusts none of the ranges given
# here: it checks them.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("rrs::schema");

struct Header {
  # The one message of the file `header`.

  uuid @0 :Data;
  # 16 bytes.
  tickDefinition @1 :UInt16;
  # What one tick counts: 0 nothing, 1 retired conditional branches, 2 taken transfers that don't go forward.
  engine @2 :Text;
  # The engine that recorded: `native`, `hardware` or `software`.
  rrsVersion @3 :Text;
  kernel @4 :List(Text);
  # uname(2): sysname, nodename, release, version, machine.
  cpuid @5 :List(CpuidRecord);
  hasCpuidFaulting @6 :Bool;
  xcr0 @7 :UInt64;
  extendedStateByteCount @8 :UInt32;
  # The size of an XSAVE area in `Event.extendedState`, in bytes; 0 if there is none.
  boundToCpu @9 :Int32;
  # The processor that tracees were bound to, -1 for none.
  syscallBuffering @10 :Bool;
  chaosMode @11 :Bool;
  schedulingSeed @12 :UInt64;
  # Of random scheduling decisions; 0 if there were none.
  checksumInterval @13 :UInt64;
  # A checksum of memory at every N-th event; 0 is never.
  program @14 :Text;
  commandLine @15 :List(Text);
  environment @16 :List(Text);
  # `NAME=VALUE` each.
  workingDirectory @17 :Text;
  startRealtimeNanoseconds @18 :UInt64;
  # CLOCK_REALTIME, in nanoseconds since the epoch.
  startMonotonicNanoseconds @19 :UInt64;
  # CLOCK_MONOTONIC, in nanoseconds.
}

struct CpuidRecord {
  leaf @0 :UInt32;
  subleaf @1 :UInt32;
  eax @2 :UInt32;
  ebx @3 :UInt32;
  ecx @4 :UInt32;
  edx @5 :UInt32;
}

struct Event {
  # One recorded input; stream `events`.

  number @0 :UInt64;
  # From 1, without gaps.
  tid @1 :Int32;
  # The tracee, by its number at recording; 0 for events that belong to none.
  ticks @2 :UInt64;
  # The tracee's ticks at the event.
  monotonicNanoseconds @3 :UInt64;
  # CLOCK_MONOTONIC at recording, in nanoseconds.
  registers @4 :Data;
  # `struct user_regs_struct` of x86-64 after the event: 216 bytes, or none.
  extendedState @5 :Data;
  # The XSAVE area after the event where the kernel changed it, in the standard format of NT_X86_XSTATE; else none.
  memoryWrites @6 :List(MemoryWrite);
  # What was written into tracees, in order.
  fileWrites @7 :List(FileWrite);
  # What was written into files that recorded processes have mapped shared, in order.
  hasMemoryChecksum @8 :Bool;
  memoryChecksum @9 :UInt64;
  # Of all writable memory after the event; counts only with `hasMemoryChecksum`.

  union {
    syscall @10 :SyscallEvent;
    signal @11 :SignalEvent;
    instruction @12 :UInt8;
    # 0 rdtsc, 1 rdtscp, 2 cpuid, 3 rdrand, 4 rdseed, 5 rdpid, 6 xgetbv, 7 rdpmc.
    preemption @13 :Void;
    exit @14 :Int32;
    # A status as wait4(2) encodes it.
    imageStart @15 :Void;
    checkpointSaved @16 :Checkpoint;
    checkpointLoaded @17 :Checkpoint;
    note @18 :Text;
    end @19 :Void;
  }
}

struct MemoryWrite {
  tid @0 :Int32;
  # A tracee of the address space written to.
  address @1 :UInt64;
  dataOffset @2 :UInt64;
  dataByteCount @3 :UInt64;
  # The bytes, in the uncompressed `data` stream.
}

struct FileWrite {
  device @0 :UInt64;
  inode @1 :UInt64;
  offset @2 :UInt64;
  # Where in the file, in bytes.
  dataOffset @3 :UInt64;
  dataByteCount @4 :UInt64;
  # The bytes, in the uncompressed `data` stream.
  newSize @5 :UInt64;
  # The file's size after the write, in bytes; 0 where there is data but the size stayed.
}

struct SyscallEvent {
  number @0 :Int64;
  # Of x86-64 Linux; as large as the tracee's rax where there is no such call.
  phase @1 :UInt8;
  # 0 entry, 1 exit, 2 interrupted by a signal before it was done.
  openedFiles @2 :List(OpenedFile);
  hasWriteOffset @3 :Bool;
  writeOffset @4 :Int64;
  # Where in a file a write happened, in bytes; counts only with `hasWriteOffset`.
  localAddress @5 :Data;
  remoteAddress @6 :Data;
  # `struct sockaddr` as the kernel gave it; none where there is none.
  shownOn @7 :UInt8;
  # 1: the bytes written went to rrs's own stdout, 2: to its stderr, 0: elsewhere.
  hasNewTid @8 :Bool;
  newTid @9 :Int32;
  # The tracee that the call made; counts only with `hasNewTid`.
}

struct OpenedFile {
  descriptor @0 :Int32;
  path @1 :Text;
  device @2 :UInt64;
  inode @3 :UInt64;
}

struct SignalEvent {
  signal @0 :Int32;
  # 1 to 64.
  siginfo @1 :Data;
  # The kernel's `siginfo_t`: 128 bytes.
  isDeterministic @2 :Bool;
  # Raised by the tracee's own instruction.
  disposition @3 :UInt8;
  # 0 a handler runs, 1 fatal, 2 ignored, 3 the thread group stops.
}

struct Checkpoint {
  id @0 :UInt64;
  stateHash @1 :Data;
}

struct Mapping {
  # One mapping that was made; stream `mmaps`, in order of `event`.

  event @0 :UInt64;
  tid @1 :Int32;
  # A tracee of its address space.
  start @2 :UInt64;
  end @3 :UInt64;
  # Addresses; the end is the first one behind it.
  protection @4 :Int32;
  flags @5 :Int32;
  # As in mmap(2).
  name @6 :Text;
  # As /proc/PID/maps shows it.
  fileOffset @7 :UInt64;
  # In bytes.
  device @8 :UInt64;
  inode @9 :UInt64;
  fileSize @10 :UInt64;
  # In bytes.
  fileModified @11 :Int64;
  # In nanoseconds since the epoch.
  fileMode @12 :UInt32;
  fileUserId @13 :UInt32;
  fileGroupId @14 :UInt32;

  source :union {
    # Where replay takes the bytes from.
    zero @15 :Void;
    data :group {
      # The `data` stream, from the start of the mapping on; zero behind it.
      offset @16 :UInt64;
      byteCount @17 :UInt64;
    }
    traceFile @18 :Text;
    # A name in `files/`, without a slash.
    outsideFile @19 :Text;
    # An absolute path.
  }

  contentHash @20 :Data;
  # BLAKE2b-256 of the whole file that `traceFile` names: 32 bytes in a packed trace, else none.
}

struct Tracee {
  # A change to the process tree; stream `tracees`, in order of `event`.

  event @0 :UInt64;
  tid @1 :Int32;

  union {
    clone @2 :Clone;
    exec @3 :Exec;
    exit @4 :Int32;
    # A status as wait4(2) encodes it.
    detach @5 :Void;
  }
}

struct Clone {
  parent @0 :Int32;
  flags @1 :UInt64;
  # As in clone(2), with the exit signal in the low byte.
  ownNamespaceTid @2 :Int32;
  # What the tracee itself takes for its tid.
  threadGroup @3 :Int32;
}

struct Exec {
  fileName @0 :Text;
  commandLine @1 :List(Text);
  environment @2 :List(Text);
  executableBase @3 :UInt64;
  interpreterBase @4 :UInt64;
  # Addresses; 0 if there is none.
  interpreterName @5 :Text;
  previousTid @6 :Int32;
  # Differs from `tid` where a thread other than the leader called execve.
}

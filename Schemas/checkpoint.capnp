@0xd7f0c4a1b2e39586;

# The messages of a persistent checkpoint. docs/trace-format.md says how files hold them. The rules are those of
# trace.capnp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("rrs::schema");

struct SavedRecord {
  # A checkpoint is a place, then each address space with its regions behind it, shared files, and tracees.

  union {
    place @0 :SavedPlace;
    space @1 :SavedSpace;
    region @2 :SavedRegion;
    file @3 :SavedFile;
    tracee @4 :SavedTracee;
  }
}

struct SavedPlace {
  id @0 :UInt64;
  # From 1; the checkpoint's file is named so.
  traceUuid @1 :Data;
  # Of the trace's header.
  event @2 :UInt64;
  # The events that are done.
  ticks @3 :UInt64;
  programCounter @4 :UInt64;
  # Of the tracee of the next event.
  isAtEvent @5 :Bool;
  # That tracee has come to where the next event happens.
  isAtStageStart @6 :Bool;
  # Nothing has run since the last event.
  work @7 :UInt64;
  # How far into the recording this is, in about two nanoseconds of native execution each.
  stateHash @8 :Data;
  # BLAKE2b-256 over all that follows: see docs/trace-format.md.
  rootTid @9 :Int32;
  number @10 :UInt32;
  # That a debugger's user knows the checkpoint by; 0 for none.
  label @11 :Text;
  # The debugger's words for the place.
  process @12 :Int32;
  thread @13 :Int32;
  # That the debugger looked at; 0 for none.
}

struct SavedSpace {
  programBreak @0 :UInt64;
  stackLimit @1 :UInt64;
  # RLIMIT_STACK of its process, in bytes.
}

struct SavedRegion {
  # A mapping of the address space before it, as the program sees it.

  start @0 :UInt64;
  end @1 :UInt64;
  protection @2 :Int32;
  # PROT_* of mmap(2).
  growsDown @3 :Bool;
  noReserve @4 :Bool;
  dontFork @5 :Bool;
  wipeOnFork @6 :Bool;
  # MAP_GROWSDOWN and MAP_NORESERVE of mmap(2), MADV_DONTFORK and MADV_WIPEONFORK of madvise(2).
  fileOffset @7 :UInt64;
  # In bytes; what it is in depends on the source.

  source :union {
    anonymous @8 :Void;
    record :group {
      # Private, of what the trace's mapping record of this event and this start maps.
      event @9 :UInt64;
      start @10 :UInt64;
    }
    shared :group {
      # Of a SavedFile.
      device @11 :UInt64;
      inode @12 :UInt64;
    }
  }

  pages @13 :SavedPages;
  # Those that aren't as the source has them.
}

struct SavedPages {
  runs @0 :Data;
  # Pairs of 64-bit little-endian numbers: the first page (address or offset divided by 4096) and how many follow.
  places @1 :Data;
  # Where each page is in the file `pages`, 64-bit little-endian: 256 times its block's offset, plus its index there.
}

struct SavedFile {
  # The memory behind shared mappings.

  device @0 :UInt64;
  inode @1 :UInt64;
  # At recording.
  byteCount @2 :UInt64;
  pages @3 :SavedPages;
  # Those that aren't zero.
}

struct SavedTracee {
  tid @0 :Int32;
  threadGroup @1 :Int32;
  # At recording.
  space @2 :UInt32;
  # From 0, in the order of the checkpoint's address spaces.
  ticks @3 :UInt64;
  registers @4 :Data;
  # `struct user_regs_struct` of x86-64: 216 bytes.
  extendedState @5 :Data;
  # As in Event.
  isInSyscall @6 :Bool;
  # The entry of a system call is done, its exit isn't.
  isNewborn @7 :Bool;
  # Its return from the call that made it is its next event.
  isInterrupted @8 :Bool;
  # Its last event is a call that a signal interrupted.
  isFresh @9 :Bool;
  # It hasn't run since its last event.
  hasPausedAtSignal @10 :Bool;
  # A debugger was told of the signal of its next event.
  hasMetSignal @11 :Bool;
  # It has executed the instruction that raises the signal of its next event.
  hasName @12 :Bool;
  name @13 :Text;
  # As prctl(2)'s PR_SET_NAME set it; counts only with `hasName`.
}

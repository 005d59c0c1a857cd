package import KernelABI

/// The state of a whole replay at one place, as a persistent checkpoint keeps it.
package struct SavedCheckpoint: Sendable {
  package var place: SavedPlace
  package var spaces: [SavedSpace] = []
  package var files: [SavedFile] = []
  package var tracees: [SavedTracee] = []

  package init(place: SavedPlace) { self.place = place }
}

/// Where a checkpoint is, and what it is known by.
package struct SavedPlace: Equatable, Sendable {
  /// From 1; 0 until it is saved.
  package var id: UInt64 = 0
  /// The events that are done.
  package var event: UInt64
  /// Of the tracee of the next event, as the program counter is.
  package var ticks: UInt64
  package var programCounter: UInt64
  /// That tracee has come to where the next event happens.
  package var isAtEvent = false
  /// Nothing has run since the last event.
  package var isAtStageStart = true
  /// How far into the recording this is, in about two nanoseconds of native execution each.
  package var work: UInt64 = 0
  /// Of everything in the checkpoint; set when it is saved.
  package var stateHash: [UInt8] = []
  /// The first process, by its number at recording.
  package var rootTid: Tid
  /// That a debugger's user knows it by; 0 for none.
  package var number: UInt32 = 0
  /// The debugger's words for the place.
  package var label = ""
  /// What the debugger looked at.
  package var thread = ThreadIdentity(process: 0, thread: 0)

  package init(event: UInt64, ticks: UInt64, programCounter: UInt64, rootTid: Tid) {
    self.event = event
    self.ticks = ticks
    self.programCounter = programCounter
    self.rootTid = rootTid
  }
}

package struct SavedSpace: Sendable {
  package var programBreak: RemotePointer
  /// RLIMIT_STACK of its process, in bytes.
  package var stackLimit: UInt64
  /// In the order of their addresses.
  package var regions: [SavedRegion] = []

  package init(programBreak: RemotePointer, stackLimit: UInt64) {
    self.programBreak = programBreak
    self.stackLimit = stackLimit
  }
}

/// A mapping as the program sees it.
package struct SavedRegion: Sendable {
  package enum Source: Equatable, Sendable {
    case anonymous
    /// Private, of what the trace's mapping record of this event and this start maps.
    case record(event: UInt64, start: UInt64)
    /// Of the checkpoint's file with these numbers.
    case shared(device: UInt64, inode: UInt64)
  }

  package var range: RemoteRange
  /// PROT_* of mmap(2).
  package var protection: Int32
  package var attributes: RegionAttributes = []
  package var source: Source = .anonymous
  package var fileOffset: UInt64 = 0
  /// Those that aren't as the source has them, by address divided by the page size.
  package var pages = SavedPages()

  package init(range: RemoteRange, protection: Int32) {
    self.range = range
    self.protection = protection
  }
}

/// What a mapping is besides its protection and its source: MAP_GROWSDOWN and MAP_NORESERVE of mmap(2), MADV_DONTFORK
/// and MADV_WIPEONFORK of madvise(2).
package struct RegionAttributes: OptionSet, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let growsDown = RegionAttributes(rawValue: 1)
  package static let noReserve = RegionAttributes(rawValue: 2)
  package static let dontFork = RegionAttributes(rawValue: 4)
  package static let wipeOnFork = RegionAttributes(rawValue: 8)
}

/// The memory behind shared mappings.
package struct SavedFile: Sendable {
  package var device: UInt64
  package var inode: UInt64
  package var byteCount: UInt64
  /// Those that aren't zero, by offset divided by the page size.
  package var pages = SavedPages()

  package init(device: UInt64, inode: UInt64, byteCount: UInt64) {
    self.device = device
    self.inode = inode
    self.byteCount = byteCount
  }
}

package struct SavedTracee: Sendable {
  package var tid: Tid
  package var threadGroup: Tid
  /// The index of its address space.
  package var space: Int
  package var ticks: UInt64 = 0
  package var registers: Registers
  /// As NT_X86_XSTATE of ptrace(2) has it.
  package var extendedState: [UInt8] = []
  package var condition: Condition = []
  package var name: String?

  package init(tid: Tid, threadGroup: Tid, space: Int, registers: Registers) {
    self.tid = tid
    self.threadGroup = threadGroup
    self.space = space
    self.registers = registers
  }

  /// How it stands to its last and its next event; Schemas/checkpoint.capnp says what each means.
  package struct Condition: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let isInSyscall = Condition(rawValue: 1)
    package static let isNewborn = Condition(rawValue: 2)
    package static let isInterrupted = Condition(rawValue: 4)
    package static let isFresh = Condition(rawValue: 8)
    package static let hasPausedAtSignal = Condition(rawValue: 16)
    package static let hasMetSignal = Condition(rawValue: 32)
  }
}

/// Pages by number, and where the page store has them.
package struct SavedPages: Sendable {
  package struct Run: Sendable {
    package var first: UInt64
    package var count: UInt64
    /// Of its first page among all places.
    package var index: Int
  }

  package private(set) var runs: [Run] = []
  package private(set) var places: [PagePlace] = []
  /// Of pages that were just stored: what they hold.
  var digests: [Digest] = []

  package init() {}

  /// From what a checkpoint's message holds; nil where that makes no sense.
  init?(runs words: [UInt64], places: [UInt64]) {
    guard words.count.isMultiple(of: 2) else { return nil }
    self.places = places.map { PagePlace(rawValue: $0) }
    var index = 0
    for pair in stride(from: 0, to: words.count, by: 2) {
      let (first, count) = (words[pair], words[pair + 1])
      guard count > 0, count <= UInt64(places.count - index), first <= UInt64.max >> 12,
        runs.last.map({ first >= $0.first + $0.count }) ?? true
      else { return nil }
      runs.append(Run(first: first, count: count, index: index))
      index += Int(count)
    }
    guard index == places.count else { return nil }
  }

  package var isEmpty: Bool { places.isEmpty }

  /// Preconditions: pages come in ascending order.
  package mutating func append(page: UInt64, _ stored: StoredPage) {
    if let last = runs.last, last.first + last.count == page {
      runs[runs.count - 1].count += 1
    } else {
      runs.append(Run(first: page, count: 1, index: places.count))
    }
    places.append(stored.place)
    digests.append(stored.digest)
  }

  /// The pages in a range of numbers, in order.
  package func forEach(in range: Range<UInt64>, _ body: (UInt64, PagePlace) throws -> Void) rethrows {
    var low = 0, high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].first + runs[middle].count <= range.lowerBound { low = middle + 1 } else { high = middle }
    }
    while low < runs.count, runs[low].first < range.upperBound {
      let run = runs[low]
      let first = max(run.first, range.lowerBound)
      for page in first..<min(run.first + run.count, range.upperBound) {
        try body(page, places[run.index + Int(page - run.first)])
      }
      low += 1
    }
  }
}

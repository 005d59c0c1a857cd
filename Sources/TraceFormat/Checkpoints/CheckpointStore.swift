import CTraceFormat
import Glibc
import KernelABI
import SystemPackage

/// The directory `checkpoints/` of a trace: a file for each persistent checkpoint, named by its number, the file
/// `pages`, with each distinct page of memory once, and the file `log`.
///
/// The trace itself doesn't know of it: without the directory it is as it was.
package struct CheckpointStore: Sendable {
  static let directoryName = "checkpoints"
  private static let pagesName = "pages"
  private static let logName = "log"

  package let path: String
  private let storage: TraceStorage
  private let traceUUID: [UInt8]

  package init(_ reader: TraceReader) { self.init(reader.storage, reader.header) }

  init(_ storage: TraceStorage, _ header: TraceHeader) {
    self.storage = storage
    path = storage.path + "/" + Self.directoryName
    traceUUID = header.uuid
  }

  private func open(_ name: String) throws(TraceError) -> TraceFile {
    try storage.open(Self.directoryName + "/" + name)
  }

  // MARK: - Reading

  /// The places of all checkpoints, in the order of their numbers, and what is wrong with those that can't be read.
  package func list() -> (places: [SavedPlace], problems: [TraceError]) {
    var places: [SavedPlace] = []
    var problems: [TraceError] = []
    for id in ids() {
      do throws(TraceError) {
        places.append(try CheckpointFile.readPlace(open("\(id)"), traceUUID: traceUUID))
      } catch {
        problems.append(error)
      }
    }
    return (places, problems)
  }

  private func ids() -> [UInt64] { storage.names(in: Self.directoryName).compactMap { UInt64($0) }.sorted() }

  /// Blocks of pages up to this many bytes are all checked when a checkpoint is opened, so that damage is known before
  /// anything rests on it; of more, only that they are there, and each is checked when it is read.
  private static let checkedByteCountMax: UInt64 = 64 << 20

  /// A checkpoint, and what its pages are read with.
  package func load(_ id: UInt64) throws(TraceError) -> (SavedCheckpoint, PageStoreReader) {
    let checkpoint = try CheckpointFile.read(open("\(id)"), traceUUID: traceUUID)
    let pages = PageStoreReader(try open(Self.pagesName))
    let places = checkpoint.spaces.flatMap { $0.regions.map(\.pages) } + checkpoint.files.map(\.pages)
    let all = places.lazy.flatMap(\.places)
    if try pages.check(all, contents: false) <= Self.checkedByteCountMax { try pages.check(all, contents: true) }
    return (checkpoint, pages)
  }

  /// Everything that is wrong with the checkpoints.
  package func verify() -> [TraceError] {
    var problems: [TraceError] = []
    for id in ids() {
      do throws(TraceError) {
        let checkpoint = try CheckpointFile.read(open("\(id)"), traceUUID: traceUUID)
        let places = checkpoint.spaces.flatMap { $0.regions.map(\.pages) } + checkpoint.files.map(\.pages)
        try PageStoreReader(open(Self.pagesName)).check(places.lazy.flatMap(\.places), contents: true)
      } catch {
        problems.append(error)
      }
    }
    return problems
  }

  // MARK: - Writing

  /// Stores a checkpoint. `build` makes it, adding its pages. Returns its place, with its number and state hash.
  package func save(_ build: (CheckpointPages) throws -> SavedCheckpoint) throws -> SavedPlace {
    guard !storage.isArchive else {
      // An archive is written as a whole.
      throw TraceError.system(
        operation: "save a checkpoint in the archive", path: storage.path, errno: .readOnlyFileSystem)
    }
    if mkdir(path, 0o755) != 0, errno != EEXIST { throw TraceFile.error("create", path) }
    let lock = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if lock < 0 { throw TraceFile.error("open", path) }
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 { if errno != EINTR { throw TraceFile.error("lock", path) } }
    let writer = try PageStoreWriter(path: path + "/" + Self.pagesName)
    var checkpoint = try build(CheckpointPages(writer))
    try writer.finish()
    checkpoint.place.id = (ids().last ?? 0) + 1
    checkpoint.place.stateHash = CheckpointFile.stateHash(checkpoint)
    let bytes = try CheckpointFile.encode(checkpoint, traceUUID: traceUUID)
    let temporary = path + "/.new"
    unlink(temporary)
    do throws(TraceError) {
      let file = try TraceFile(creating: temporary)
      var failure: TraceError?
      bytes.withUnsafeBytes { bytes in
        do throws(TraceError) {
          try file.write(bytes, at: 0)
          try file.synchronize()
        } catch { failure = error }
      }
      if let failure { throw failure }
      let final = path + "/" + String(checkpoint.place.id)
      if rename(temporary, final) != 0 { throw TraceFile.error("create", final) }
      try synchronizeDirectory(path)
    } catch {
      unlink(temporary)
      throw error
    }
    try note(.checkpointSaved(id: checkpoint.place.id, stateHash: checkpoint.place.stateHash), checkpoint.place)
    return checkpoint.place
  }

  /// Notes in the log that a checkpoint was loaded; where the trace can't be written to, nothing is noted.
  package func noteLoad(_ place: SavedPlace) {
    if storage.isArchive { return }
    try? note(.checkpointLoaded(id: place.id, stateHash: place.stateHash), place)
  }

  /// Deletes all checkpoints; the trace stays as it is. Does nothing where there are none.
  package func removeAll() throws(TraceError) {
    // Those that refer to pages first.
    let names = storage.names(in: Self.directoryName)
      .sorted { (UInt64($0) == nil ? 1 : 0, $0) < (UInt64($1) == nil ? 1 : 0, $1) }
    for name in names {
      if unlink(path + "/" + name) != 0, errno != ENOENT { throw TraceFile.error("remove", path + "/" + name) }
    }
    if rmdir(path) != 0, errno != ENOENT { throw TraceFile.error("remove", path) }
  }

  /// Deletes those at an event and behind it: the trace ends there now.
  func remove(from event: UInt64) throws(TraceError) {
    for place in list().places where place.event >= event {
      let file = "\(path)/\(place.id)"
      if unlink(file) != 0, errno != ENOENT { throw TraceFile.error("remove", file) }
    }
  }

  // MARK: - The log

  /// An event's message for each saving and loading, the oldest first; its time is CLOCK_REALTIME, its ticks are those
  /// of the checkpoint's place.
  package func log() -> [TraceEvent] {
    guard let file = try? open(Self.logName), let size = try? file.size(), size <= 1 << 30 else { return [] }
    let buffer = ByteBuffer(capacity: Int(size))
    defer { withExtendedLifetime(buffer) {} }
    let bytes = buffer.prefix(Int(size))
    guard let count = try? file.read(into: bytes, at: 0) else { return [] }
    let decoder = RecordDecoder()
    var events: [TraceEvent] = []
    var offset = 0
    while offset < count,
      let (event, length) = try? decoder.event(in: UnsafeRawBufferPointer(rebasing: bytes[offset..<count]))
    {
      events.append(event)
      offset += length
    }
    return events
  }

  private func note(_ kind: TraceEvent.Kind, _ place: SavedPlace) throws(TraceError) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var event = TraceEvent(
      tid: Tid(place.thread.thread), ticks: place.ticks,
      monotonicNanoseconds: UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec), kind: kind, registers: nil)
    event.number = place.event
    let coder = RecordEncoder()
    let message = coder.encode(event)
    let file = try TraceFile(changing: path + "/" + Self.logName)
    try file.write(message, at: try file.size())
  }
}

/// Takes the pages of a checkpoint that is being made.
package struct CheckpointPages {
  private let writer: PageStoreWriter

  init(_ writer: PageStoreWriter) { self.writer = writer }

  /// Stores a page, unless it is stored already. Preconditions: the buffer has a page's size.
  package func add(_ page: UnsafeRawBufferPointer) throws(TraceError) -> StoredPage { try writer.add(page) }
}

import Execution
package import KernelABI
package import TraceFormat
import TraceeControl

// What a persistent checkpoint keeps of a session: all that replay keeps of its tracees, and their memory where it
// isn't as the trace's files have it.
extension ReplaySession {
  /// Whether checkpoints of this recording can be kept: the engine's points have an order, and its tracees no state
  /// but their ticks.
  package var canBeSaved: Bool { engine.tickUnit == .nonForwardTransfers }

  /// Saves the session, as one that stands at `place`. Returns the place with its number.
  ///
  /// Preconditions: all tracees stand between events, or where `advance` has paused; there are some.
  package func save(_ place: SavedPlace, in store: CheckpointStore) throws -> SavedPlace {
    try store.save { pages in
      var writer = CheckpointWriter(pages)
      var checkpoint = SavedCheckpoint(place: place)
      checkpoint.place.rootTid = rootTid ?? Tid(0)
      let order = tracees.values.sorted { $0.recordedTid < $1.recordedTid }
      var spaces: [ObjectIdentifier: Int] = [:]
      let sources = try MappingSources(reader)
      for tracee in order {
        let space = ObjectIdentifier(tracee.tracee.addressSpace)
        if spaces[space] == nil {
          spaces[space] = checkpoint.spaces.count
          checkpoint.spaces.append(try self.space(of: tracee.tracee, sources, &writer))
        }
        checkpoint.tracees.append(try saved(tracee, space: spaces[space] ?? 0))
      }
      checkpoint.files = try files.save(&writer)
      return checkpoint
    }
  }

  private func saved(_ tracee: ReplayTracee, space: Int) throws -> SavedTracee {
    var saved = SavedTracee(
      tid: tracee.recordedTid, threadGroup: tracee.tracee.threadGroup.recordedID, space: space,
      registers: try tracee.tracee.registers())
    saved.extendedState = try Ptrace.extendedState(tracee.tracee.tid)
    saved.ticks = engine.ticks(of: tracee.tracee)
    saved.condition = tracee.condition
    saved.name = tracee.name
    return saved
  }

  private func space(
    of tracee: Tracee, _ sources: MappingSources, _ writer: inout CheckpointWriter
  ) throws -> SavedSpace {
    tracee.fillAllAbsent()
    var space = SavedSpace(
      programBreak: tracee.addressSpace.programBreak, stackLimit: ResourceLimits.stack(tracee.tid))
    let flags = ProcFS.mappingFlags(tracee.tid)
    let pages = PageMap(tracee.tid)
    for mapping in ProcessMaps.readProgram(tracee) where mapping.name != "[vsyscall]" {
      var region = SavedRegion(range: mapping.range, protection: mapping.protection)
      region.attributes = Self.attributes(flags[mapping.range.start.rawValue] ?? [])
      if let file = files.identity(of: mapping) {
        region.source = .shared(device: file.device, inode: file.inode)
        region.fileOffset = mapping.fileOffset
      } else {
        if mapping.inode != 0 {
          region.source = try sources.source(of: mapping)
          region.fileOffset = mapping.fileOffset
        }
        region.pages = try writer.store(mapping, of: tracee, pages)
      }
      space.regions.append(region)
    }
    return space
  }

  /// From the words that /proc/PID/smaps has for a mapping's flags.
  private static func attributes(_ flags: Set<Substring>) -> RegionAttributes {
    var attributes: RegionAttributes = []
    if flags.contains("gd") { attributes.insert(.growsDown) }
    if flags.contains("nr") { attributes.insert(.noReserve) }
    if flags.contains("dc") { attributes.insert(.dontFork) }
    if flags.contains("wf") { attributes.insert(.wipeOnFork) }
    return attributes
  }
}

/// Which of the trace's mapping records the file behind a live mapping comes from.
private struct MappingSources {
  private var records: [String: SavedRegion.Source] = [:]
  private var recordsByInode: [UInt64: SavedRegion.Source] = [:]

  init(_ reader: TraceReader) throws {
    let cursor = reader.mappingCursor()
    while let record = try cursor.next() {
      let path: String
      switch record.source {
      case .traceFile(let name): path = try reader.path(ofStoredFile: name)
      case .outsideFile(let outside): path = outside
      case .zero, .data: continue
      }
      guard records[path] == nil else { continue }
      let source = SavedRegion.Source.record(event: record.event, start: record.range.start.rawValue)
      records[path] = source
      if let status = FileStatus(path: path) { recordsByInode[status.inode] = source }
    }
  }

  func source(of mapping: ProcessMapping) throws -> SavedRegion.Source {
    let memoryFile = "/memfd:rrs-" + ReplayFiles.privateName
    if mapping.name.hasPrefix(memoryFile) {
      let numbers = mapping.name.dropFirst(memoryFile.count).prefix { $0 != " " }.split(separator: ":")
      if numbers.count == 2, let event = UInt64(numbers[0]), let start = UInt64(numbers[1]) {
        return .record(event: event, start: start)
      }
    }
    if let source = records[mapping.name] ?? recordsByInode[mapping.inode] { return source }
    throw ReplayError.internalError("no record of the trace tells where the mapping of '\(mapping.name)' comes from")
  }
}

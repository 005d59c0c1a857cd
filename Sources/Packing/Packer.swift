import Glibc
import SystemPackage
package import TraceFormat

/// Packs a trace in place: afterwards every mapped file is there once, with a hash of its content in the records.
///
/// At every moment the directory holds a trace that replays; whatever an interruption leaves, the next packing takes
/// away. What the records refer to isn't touched before other records are in their place: a stored file is at most
/// replaced by a copy of itself under the same name. A packed trace isn't written to.
package func packTrace(
  directory: String, options: PackOptions = PackOptions(), onProgress: (Double) -> Void = { _ in }
) throws(TraceError) -> PackResult {
  let lock = try TraceLock(directory: directory)
  defer { lock.release() }
  try requireWhole(directory) { onProgress($0 * 0.5) }
  var packer = try Packer(directory: directory, options: options)
  return try packer.run { onProgress(0.5 + $0 * 0.5) }
}

/// Packing says of files that they are what was recorded: so that has to be so. An index can be made anew.
private func requireWhole(_ directory: String, _ onProgress: (Double) -> Void) throws(TraceError) {
  let verification = try withoutActuallyEscaping(onProgress) { escaping throws(TraceError) in
    try verifyTrace(directory: directory, onProgress: escaping)
  }
  if let problem = verification.problems.first(where: { $0 != verification.indexProblem }) { throw problem }
}

private struct Packer {
  private let directory: String
  private let place: PlaceOfFiles
  private let rewriter: MappingRewriter
  private let files: [MappedFile]
  private let names: StoredNames
  private let root: PackedSystemRoot
  private let bringsDebugFiles: Bool

  init(directory: String, options: PackOptions) throws(TraceError) {
    self.directory = directory
    place = try PlaceOfFiles(options.place, directory)
    rewriter = try MappingRewriter(directory: directory)
    files = try MappedFile.all(in: directory, rewriter)
    names = try StoredNames(directory: directory)
    root = PackedSystemRoot(directory: directory, paths: files.map(\.record.name))
    bringsDebugFiles = options.bringsDebugFiles
  }

  mutating func run(_ onProgress: (Double) -> Void) throws(TraceError) -> PackResult {
    var result = PackResult()
    result.fileCountBefore = files.count
    result.byteCountBefore = try names.byteCount()
    try removeLeftovers(but: Set(files.compactMap(\.storedName)))
    let digests = try hashes(onProgress)
    let groups = try groups(digests)
    let changes = groups.filter { $0.source != nil }
    for group in changes { try place.put(group) }
    if !changes.isEmpty { try place.synchronize() }
    var packed: [MappedFile.Reference: Group] = [:]
    for group in groups { for member in group.members { packed[files[member].reference] = group } }
    try rewriter.rewrite { record in
      guard let reference = MappedFile.Reference(record.source), let group = packed[reference] else { return record }
      var record = record
      record.source = .traceFile(group.name)
      record.contentHash = group.digest
      return record
    }
    result.debugFileCount = try fillSystemRoot(packed)
    try removeLeftovers(but: Set(groups.map(\.name)))
    result.fileCountAfter = groups.count
    result.byteCountAfter = try names.byteCount()
    return result
  }

  /// Lets debuggers find the recorded files by their paths. Returns how many files with debug information there are.
  private func fillSystemRoot(_ packed: [MappedFile.Reference: Group]) throws(TraceError) -> Int {
    var paths: [String: String] = [:]
    try rewriter.forEach { record in
      guard let reference = MappedFile.Reference(record.source), let group = packed[reference] else { return }
      if paths[record.name] == nil { paths[record.name] = group.name }
    }
    var count = 0
    for (path, name) in paths.sorted(by: { $0.key < $1.key }) {
      guard let file = try RecordedObject(path: path, stored: StoredFile(directory: directory, name: name).path) else {
        continue
      }
      for alias in file.paths { try root.link(alias, toStored: name) }
      guard bringsDebugFiles else { continue }
      for debugFile in DebugFiles.of(file) {
        try root.copy(debugFile.source, to: debugFile.path)
        count += 1
      }
    }
    return count
  }

  private func removeLeftovers(but kept: Set<String>) throws(TraceError) {
    rewriter.removeLeftovers()
    root.removeLeftovers()
    for name in try names.all() where !kept.contains(name) && names.isOurs(name) { names.remove(name) }
  }

  /// Of every file; those that were packed before have theirs.
  private func hashes(_ onProgress: (Double) -> Void) throws(TraceError) -> [Digest] {
    let unknown = files.indices.filter { files[$0].record.contentHash == nil }
    let found = try ContentHashing.hashes(of: unknown.map { files[$0].path }, onProgress: onProgress)
    var digests: [Int: Digest] = [:]
    for (index, digest) in zip(unknown, found) { digests[index] = digest }
    return files.indices.map { files[$0].record.contentHash ?? digests[$0] ?? Digest(of: []) }
  }

  /// Files with one content, and what is to be done for them.
  private func groups(_ digests: [Digest]) throws(TraceError) -> [Group] {
    var members: [GroupKey: [Int]] = [:]
    var order: [GroupKey] = []
    for (index, digest) in digests.enumerated() {
      let key = place.groupKey(digest, files[index])
      if members[key] == nil { order.append(key) }
      members[key, default: []].append(index)
    }
    var serial = try names.nextSerial()
    var groups: [Group] = []
    for key in order {
      let digest = key.digest
      let indices = members[key] ?? []
      let candidates = indices.map { files[$0] }
      var group = try place.group(digest, candidates)
      group.members = indices
      if group.name.isEmpty {
        group.name = StoredFile.name(serial: serial, originalPath: candidates[0].record.name)
        serial += 1
      }
      groups.append(group)
    }
    return groups
  }
}

/// A member's place in the directory that was archived: the top directory, then a file in it or in a directory of it,
/// or anything in `sysroot`.
struct ArchivedPath {
  var top: String
  /// Nil for directories.
  var inside: String?

  /// Throws where the path leads anywhere else.
  init(_ header: TarHeader, _ reader: TarReader) throws(TraceError) {
    var path = header.path[...]
    if header.kind == .directory, path.hasSuffix("/") { path = path.dropLast() }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let isInRoot = parts.count > 1 && parts[1] == SystemRoot.directoryName
    let depth = header.kind == .directory ? 1...(isInRoot ? 100 : 2) : 2...(isInRoot ? 100 : 3)
    guard depth.contains(parts.count), parts.allSatisfy(isStoredFileName), header.kind == .file || header.size == 0,
      header.kind != .link || isInRoot && Self.staysInside(header.target, depth: parts.count - 2)
    else { throw reader.damage("the archive has a member '\(header.path)' that isn't a part of a trace") }
    top = parts[0]
    inside = header.kind == .directory ? nil : parts.dropFirst().joined(separator: "/")
  }

  /// Whether a link so far below the top directory leads to something in there. It may go up at its beginning only:
  /// then no other link is on the way.
  private static func staysInside(_ target: String, depth: Int) -> Bool {
    let parts = target.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let ups = parts.prefix { $0 == ".." }.count
    return ups <= depth && parts.count > ups && parts[ups...].allSatisfy(isStoredFileName)
  }
}

import Glibc
import SystemPackage
import TraceFormat

/// Fills a trace's `sysroot/`. What is there already, and right, isn't touched.
struct PackedSystemRoot {
  /// Names of the root directory that are links into `/usr` on most systems (file-hierarchy(7)): programs know files by
  /// both, the kernel by the other alone.
  private let merged: Set<String>
  private let root: String
  private var temporary: String { root + "/.pack.new" }

  /// For files with these paths.
  init(directory: String, paths: some Sequence<String>) {
    root = SystemRoot(directory: directory).path
    let directories = paths.compactMap { SystemRoot.components($0)?.first }
    merged = Set(["bin", "lib", "lib64", "sbin"]).subtracting(directories)
  }

  func removeLeftovers() { unlink(temporary) }

  /// Makes a recorded path lead to a file of `files/`. A path that can't be one is left out.
  func link(_ path: String, toStored name: String) throws(TraceError) {
    guard let components = SystemRoot.components(path) else { return }
    let up = String(repeating: "../", count: try makeParents(components))
    let target = "\(up)\(StoredFile.directoryName)/\(name)"
    let link = root + "/" + components.joined(separator: "/")
    // A file that was copied there for its debug link.
    var status = stat()
    if lstat(link, &status) == 0, status.isRegular { return }
    try put(target, at: link)
  }

  private func put(_ target: String, at link: String) throws(TraceError) {
    if linkTarget(link) == target { return }
    unlink(temporary)
    if symlink(target, temporary) != 0 { throw systemError("create", temporary) }
    if rename(temporary, link) != 0 {
      let error = systemError("create", link)
      unlink(temporary)
      throw error
    }
  }

  /// Copies a file of this machine to the same or another path of the root.
  func copy(_ source: String, to path: String) throws(TraceError) {
    guard let components = SystemRoot.components(path) else { return }
    _ = try makeParents(components)
    let target = root + "/" + components.joined(separator: "/")
    let status = try fileStatus(source)
    var present = stat()
    if lstat(target, &present) == 0, present.isRegular, present.st_size == status.st_size {
      let hashes = try ContentHashing.hashes(of: [source, target], onProgress: { _ in })
      if hashes[0] == hashes[1] { return }
    }
    unlink(temporary)
    try copyFile(source, status, to: target, by: temporary)
  }

  /// Makes the directories of a path, and the links of the root directory to them. Returns how far below the trace the
  /// file really is.
  private func makeParents(_ components: [String]) throws(TraceError) -> Int {
    var directories = components.dropLast()
    if let first = directories.first, merged.contains(first) { directories = ["usr"] + directories }
    var directory = root
    try makeDirectory(root)
    for (index, component) in directories.enumerated() {
      directory += "/" + component
      try makeDirectory(directory)
      if index == 1, directories.first == "usr", merged.contains(component) {
        try put("usr/" + component, at: root + "/" + component)
      }
    }
    return directories.count + 1
  }

  private func makeDirectory(_ path: String) throws(TraceError) {
    if mkdir(path, 0o755) == 0 { return }
    let number = errno
    var status = stat()
    // Through no link that leads out of the trace.
    if number == EEXIST, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw .system(operation: "create", path: path, errno: Errno(rawValue: number))
  }
}

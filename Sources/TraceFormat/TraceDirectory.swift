import Glibc
import SystemPackage

/// The directory that holds the traces: `NAME-N` each, and `latest-trace`, a symbolic link to the newest.
package struct TraceDirectory: Sendable {
  package var path: String

  package init(path: String) { self.path = path }

  /// `$RRS_TRACE_DIR`, else `$XDG_DATA_HOME/rrs`, else `~/.local/share/rrs`; taken from this process's environment.
  package init() {
    func variable(_ name: String) -> String? {
      guard let value = getenv(name), value.pointee != 0 else { return nil }
      return String(cString: value)
    }
    if let path = variable("RRS_TRACE_DIR") {
      self.path = path
    } else if let data = variable("XDG_DATA_HOME"), data.hasPrefix("/") {
      // "All paths set in these environment variables must be absolute", says the XDG Base Directory Specification.
      path = data + "/rrs"
    } else {
      path = (variable("HOME") ?? Self.passwordHome ?? "/tmp") + "/.local/share/rrs"
    }
  }

  private static var passwordHome: String? {
    guard let entry = getpwuid(getuid()), let home = entry.pointee.pw_dir, home.pointee != 0 else { return nil }
    return String(cString: home)
  }

  private static let latestName = "latest-trace"

  /// The path of `latest-trace`.
  package var latestLink: String { path + "/" + Self.latestName }

  /// Makes an empty directory `NAME-N` for a recording of `program` (a path; its last component is NAME) and returns
  /// its path. The trace directory itself is made where it is missing.
  package func create(forProgram program: String) throws(TraceError) -> String {
    try make()
    let name = program.split(separator: "/").last.map(String.init) ?? "program"
    // A name can be 255 bytes long, and the number needs some.
    let short = String(decoding: name.utf8.prefix(200), as: UTF8.self)
    for number in 0..<Int.max {
      let candidate = "\(path)/\(short)-\(number)"
      // Nobody else's: a trace holds all that the program read.
      if mkdir(candidate, 0o700) == 0 { return candidate }
      if errno != EEXIST { throw TraceFile.error("create", candidate) }
    }
    throw .system(operation: "create", path: path, errno: .fileExists)
  }

  /// Makes the directory where it is missing.
  package func make() throws(TraceError) { try Self.makeDirectories(path) }

  private static func makeDirectories(_ path: String) throws(TraceError) {
    if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
    let parent = parentPath(path)
    guard errno == ENOENT, !parent.isEmpty, parent != path else { throw TraceFile.error("create", path) }
    try makeDirectories(parent)
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw TraceFile.error("create", path) }
  }

  private static func parentPath(_ path: String) -> String {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The path of the trace that a command-line argument means: a path first, then a name in this directory; nil means
  /// `latest-trace`. The result is a directory or an archive, and has symbolic links resolved.
  package func resolve(_ argument: String?) throws(TraceError) -> String {
    guard let argument, !argument.isEmpty else {
      if let latest = latest() { return latest }
      throw .notFound(argument: Self.latestName, searched: [latestLink])
    }
    var candidates = [argument]
    if !argument.hasPrefix("/") { candidates.append(path + "/" + argument) }
    for candidate in candidates {
      if let found = Self.trace(candidate) { return found }
    }
    throw .notFound(argument: argument, searched: candidates)
  }

  /// The directory that a path leads to, absolute and without symbolic links; nil where there is none.
  private static func directory(_ path: String) -> String? {
    guard let resolved = resolved(path) else { return nil }
    var status = stat()
    return stat(resolved, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR ? resolved : nil
  }

  /// The same for a trace that is to be changed: a directory.
  package func resolveDirectory(_ argument: String?) throws(TraceError) -> String {
    let path = try resolve(argument)
    guard Self.directory(path) != nil else { throw .isArchive(path: path) }
    return path
  }

  private static func trace(_ path: String) -> String? { directory(path) ?? (isArchive(path) ? resolved(path) : nil) }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Whether a path is that of a file with the name of a trace's archive.
  package static func isArchive(_ path: String) -> Bool {
    var status = stat()
    return path.hasSuffix(archiveSuffix) && stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// What archives of traces are called.
  package static let archiveSuffix = ".rrs"

  /// Points `latest-trace` at a trace of this directory. Does nothing for traces elsewhere.
  package func updateLatest(to trace: String) throws(TraceError) {
    guard let root = Self.directory(path), let target = Self.directory(trace), Self.parentPath(target) == root else {
      return
    }
    // Relative, so that the directory can be moved; renamed into place, so that there always is one.
    let temporary = "\(path)/.\(Self.latestName).\(getpid())"
    unlink(temporary)
    if symlink(String(target.dropFirst(root == "/" ? 1 : root.count + 1)), temporary) != 0 {
      throw TraceFile.error("create", temporary)
    }
    if rename(temporary, latestLink) != 0 {
      let error = TraceFile.error("create", latestLink)
      unlink(temporary)
      throw error
    }
  }

  /// The trace that `latest-trace` points at, nil where there is none.
  package func latest() -> String? { Self.directory(latestLink) }

  /// The paths of all traces in this directory, sorted by name.
  package func traces() throws(TraceError) -> [String] {
    guard let stream = opendir(path) else {
      if errno == ENOENT { return [] }
      throw TraceFile.error("read", path)
    }
    defer { closedir(stream) }
    var names: [String] = []
    for name in entryNames(stream) where !name.hasPrefix(".") {
      var status = stat()
      guard lstat(path + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
        Self.isTrace(path + "/" + name)
      else { continue }
      names.append(name)
    }
    return names.sorted().map { path + "/" + $0 }
  }

  /// Whether a directory looks like a trace: it has a header, readable or not.
  package static func isTrace(_ path: String) -> Bool {
    access(path + "/" + HeaderFile.fileName, F_OK) == 0
  }
}

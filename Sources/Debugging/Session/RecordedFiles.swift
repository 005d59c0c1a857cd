import CLinuxShim
import Glibc
import KernelABI
import TraceFormat
import TraceeControl

/// The files that recorded processes had mapped, by their paths at recording: where their bytes are now.
package final class RecordedFiles {
  private let reader: TraceReader
  private let systemRoot: SystemRoot
  private var paths: [String: MappingRecord] = [:]
  /// Where each was mapped.
  private var mapped: [String: [RemoteRange]] = [:]
  /// By their locations, links followed.
  private var recordedPaths: [String: [String]] = [:]
  private var ranges: [(process: Tid, range: RemoteRange)] = []

  init(_ reader: TraceReader) throws(TraceError) {
    self.reader = reader
    systemRoot = SystemRoot(directory: reader.directory)
    let cursor = reader.mappingCursor()
    while let record = try cursor.next() {
      ranges.append((record.tid, record.range))
      guard record.name.hasPrefix("/") else { continue }
      switch record.source {
      case .traceFile, .outsideFile:
        if paths[record.name] == nil { paths[record.name] = record }
        mapped[record.name, default: []].append(record.range)
      case .zero, .data: break
      }
    }
    for path in paths.keys.sorted() {
      if let shown = shownName(path) { recordedPaths[shown, default: []].append(path) }
    }
  }

  /// What /proc/PID/maps shows for what is mapped from a recorded file.
  private func shownName(_ path: String) -> String? {
    if case .traceFile(let name) = paths[path]?.source, let shown = reader.storage.shownName(ofStoredFile: name) {
      return shown
    }
    return location(path).map(Self.resolved)
  }

  /// Whether something was mapped there at any time.
  func wasEverMapped(_ address: RemotePointer) -> Bool { ranges.contains { $0.range.contains(address) } }

  /// Where the recorded bytes of a file are: in the trace, or still where they were. In a packed trace also files with
  /// debug information, and the links by which programs knew files.
  func location(_ path: String) -> String? {
    switch paths[path]?.source {
    case .traceFile(let name): try? reader.path(ofStoredFile: name)
    case .outsideFile(let outside): outside
    default: reader.storage.path(inSystemRoot: path)
    }
  }

  /// The recorded path of what is mapped from `location` at an address. A packed trace has files with the same bytes
  /// once: then it is that one of them that was mapped there at some time.
  func recordedPath(of location: String, at address: RemotePointer) -> String? {
    let candidates = recordedPaths[location] ?? []
    guard candidates.count > 1 else { return candidates.first }
    return candidates.first { path in mapped[path]?.contains { $0.contains(address) } ?? false } ?? candidates.first
  }

  /// As /proc/PID/maps shows it.
  private static func resolved(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// What a debugger takes for the recorded machine's root directory: this machine's, while the recorded files are in
  /// their places; else the packed trace's; else rrs itself, which opens those in the trace.
  var root: String { areInPlace ? "/" : systemRoot.exists ? systemRoot.path : "remote:" }

  /// Where a debugger reads a file that it can't get from rrs.
  func debuggerLocation(_ path: String) -> String? {
    areInPlace ? location(path) : systemRoot.location(path) ?? location(path)
  }

  /// In a packed trace: where it has files with debug information.
  var debugDirectory: String? { systemRoot.debugDirectory }

  /// Whether all files are on this machine as they were recorded, at the same paths.
  private var areInPlace: Bool {
    paths.allSatisfy { path, record in
      guard let status = FileStatus(path: path) else { return false }
      return status.byteCount == record.fileSize && status.modified == record.fileModified
    }
  }

  /// The recorded path and the location of each.
  var all: [(path: String, location: String)] {
    paths.keys.sorted().compactMap { path in location(path).map { (path, $0) } }
  }
}

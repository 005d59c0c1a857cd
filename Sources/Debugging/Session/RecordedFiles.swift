import CLinuxShim
import KernelABI
import TraceFormat
import TraceeControl

/// The files that recorded processes had mapped, by their paths at recording: where their bytes are now.
package final class RecordedFiles {
  private let reader: TraceReader
  private var paths: [String: MappingRecord] = [:]
  private var ranges: [(process: Tid, range: RemoteRange)] = []

  init(_ reader: TraceReader) throws(TraceError) {
    self.reader = reader
    let cursor = reader.mappingCursor()
    while let record = try cursor.next() {
      ranges.append((record.tid, record.range))
      guard record.name.hasPrefix("/") else { continue }
      switch record.source {
      case .traceFile, .outsideFile: if paths[record.name] == nil { paths[record.name] = record }
      case .zero, .data: break
      }
    }
  }

  /// Whether something was mapped there at any time.
  func wasEverMapped(_ address: RemotePointer) -> Bool { ranges.contains { $0.range.contains(address) } }

  /// Where the recorded bytes of a file are: in the trace, or still where they were.
  func location(_ path: String) -> String? {
    switch paths[path]?.source {
    case .traceFile(let name): try? reader.path(ofStoredFile: name)
    case .outsideFile(let outside): outside
    default: nil
    }
  }

  /// The recorded path of what is mapped from `location`.
  func recordedPath(of location: String) -> String? {
    let name = location.split(separator: "/").last.map(String.init) ?? location
    return paths.first { entry in
      switch entry.value.source {
      case .traceFile(let stored): stored == name
      case .outsideFile(let outside): outside == location
      default: false
      }
    }?.key
  }

  /// Whether all files are on this machine as they were recorded, at the same paths.
  var areInPlace: Bool {
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

import CTraceFormat

/// Where the bytes of a file lie on its device: files with the same extents have the same bytes.
package struct FileExtents {
  /// Of the offsets in the file and on the device, and the lengths.
  package let digest: Digest

  /// Nil where the file system doesn't tell for certain, or there are more extents than `countMax`.
  package init?(descriptor: CInt, countMax: Int) {
    var count = 0
    var extents = [rrs_extent](repeating: rrs_extent(), count: countMax)
    guard rrs_file_extents(descriptor, &extents, countMax, &count), count > 0 else { return nil }
    digest = extents[..<count].withUnsafeBytes { Digest(of: $0) }
  }
}

/// Dropping translations.
extension Translator {
  /// Drops the translations of all instructions on the pages that `range` touches, and of those that run on into
  /// them: the application's bytes there have changed, or are no longer mapped.
  ///
  /// Each dropped translation gets a trap in the place of its first byte, branches to it leave the cache again, and it
  /// is translated anew when it is reached. A tracee that is stopped at a cache address of these must be recovered
  /// before, or have its translation entered again.
  package func invalidate(_ range: Range<UInt64>) {
    let start = range.lowerBound & ~0xFFF
    let (sum, overflow) = range.upperBound.addingReportingOverflow(0xFFF)
    let end = overflow ? UInt64.max & ~0xFFF : sum & ~0xFFF
    pages.pointee.removeAll(in: start..<end)
    for page in translatedPages(in: start..<end) { drop(page..<(page + UInt64(CodePages.pageByteCount))) }
    for address in straddlers[start] ?? [] { drop(address..<(address + 1)) }
    dropOrphanLandings(start..<end)
    dropDependents(start..<end)
    forgetPages(start..<end)
  }

  /// Drops everything: all zones are empty afterwards. No tracee may be anywhere in the cache.
  package func invalidateAll() {
    for zone in zones {
      zone.removeAll()
      writeIdentityRoutine(zone)
    }
    map.pointee.removeAll()
    links.pointee.removeAll()
    tickEntries.pointee.removeAll()
    translatedPages.pointee.removeAll()
    pages.pointee.removeAll()
    straddlers.removeAll(keepingCapacity: true)
    scanDependents.removeAll(keepingCapacity: true)
    orphanLandings.removeAll(keepingCapacity: true)
    newPages.removeAll(keepingCapacity: true)
    conditionCodes.removeAll()
    if let zone = zones.first { landings.pointee.removeAll(missExit: zone.missExit) }
  }

  /// Whether an instruction has been translated from the page at `pageAddress`.
  package func hasTranslations(page pageAddress: UInt64) -> Bool { translatedPages.pointee[pageAddress] != nil }

  private func drop(_ range: Range<UInt64>) {
    guard let first = zones.first else { return }
    map.pointee.removeAll(in: range) { address, position in
      let zone = zones[position.zone]
      zone.memory[position.offset] = 0xCC
      zone.recovery.pointee.markStale(position.offset)
      statistics.droppedInstructions += 1
      tickEntries.pointee.remove(address)
      removeLanding(address, first)
      unlinkAll(to: address)
    }
  }

  /// Makes the branches to `address` leave the cache. Those of dropped translations are forgotten, or the lists of code
  /// that is made anew again and again would only grow.
  private func unlinkAll(to address: UInt64) {
    var live: [Int] = []
    links.pointee.prune(to: address) { link in
      zones[Int(link.zone)].recovery.pointee.isStale(Int(link.field))
    } _: { live.append($0) }
    for index in live { unlink(index) }
  }

  private func removeLanding(_ address: UInt64, _ first: CodeZone) {
    landings.pointee.remove(address, missExit: first.missExit) { zoneNumber, field, next in
      let other = zones[zoneNumber]
      // Where a zone is full, the rest of the chain is cut off: its transfers leave the cache each time.
      let target = next.flatMap { other.hasRoomForExit ? reachable($0, from: other) : nil } ?? other.missExit
      other.patch(field, toOffset: other.offset(ofReachable: target))
    }
  }

  private func dropOrphanLandings(_ range: Range<UInt64>) {
    guard let first = zones.first else { return }
    for address in orphanLandings where range.contains(address) {
      removeLanding(address, first)
      tickEntries.pointee.remove(address)
    }
    orphanLandings.removeAll { range.contains($0) }
  }

  /// Drops what a liveness scan over the changed pages has decided. The translations of whole pages go: which
  /// instructions were scanned from isn't kept.
  private func dropDependents(_ range: Range<UInt64>) {
    guard !scanDependents.isEmpty else { return }
    let pages =
      (range.upperBound - range.lowerBound) >> 12 > UInt64(scanDependents.count)
      ? scanDependents.keys.filter { range.contains($0) }
      : Array(stride(from: range.lowerBound, to: range.upperBound, by: CodePages.pageByteCount))
    for page in pages {
      for dependent in scanDependents.removeValue(forKey: page) ?? [] where !range.contains(dependent) {
        drop(dependent..<(dependent + 0x1000))
      }
    }
  }

  private func forgetPages(_ range: Range<UInt64>) {
    for page in translatedPages(in: range) {
      translatedPages.pointee.remove(page)
      straddlers[page] = nil
    }
  }

  /// The pages in `range` that instructions have been translated from. Ranges can be far larger than there are pages.
  private func translatedPages(in range: Range<UInt64>) -> [UInt64] {
    let pageByteCount = UInt64(CodePages.pageByteCount)
    if (range.upperBound - range.lowerBound) / pageByteCount > UInt64(translatedPages.pointee.count) {
      return translatedPages.pointee.allKeys.filter { range.contains($0) }
    }
    return stride(from: range.lowerBound, to: range.upperBound, by: Int(pageByteCount)).filter {
      translatedPages.pointee[$0] != nil
    }
  }
}

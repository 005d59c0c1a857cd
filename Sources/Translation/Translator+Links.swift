import X86

/// Joining translations.
extension Translator {
  /// Settles the branches of the unit just written.
  func resolveFixups(_ zone: CodeZone) {
    for fixup in fixups {
      let destination = self.destination(fixup.target, ticks: fixup.ticks)
      // Translations are dropped by pages: within one page, branch and target go together.
      let mayPart =
        fixup.source & ~0xFFF != fixup.target & ~0xFFF
        || fixup.target & 0xFFF > UInt64(CodePages.pageByteCount - Instruction.byteCountMax) || fixup.isFallThrough
      if let destination, !mayPart {
        settle(zone, field: Int(fixup.field), destination)
        continue
      }
      statistics.links += 1
      let link = links.pointee.add(
        target: fixup.target, field: Int(fixup.field), zone: zone.number, ticks: fixup.ticks,
        isFallThrough: fixup.isFallThrough)
      if fixup.isFallThrough { continue }
      if let destination { settle(zone, field: Int(fixup.field), destination) } else { unlink(link) }
    }
  }

  /// Leads the branches that waited for instructions of the unit just written to them.
  func resolveWaitingLinks() {
    for index in 0..<unit.pointee.count {
      let address = unit.pointee.members[index].address
      guard var link = links.pointee.first(to: address) else { continue }
      while true {
        relink(link)
        guard let next = links.pointee.next(after: link) else { break }
        link = next
      }
    }
  }

  /// Where a branch to `target` has to go, if that is translated.
  private func destination(_ target: UInt64, ticks: Bool) -> UInt64? {
    guard let position = map.pointee.position(of: target) else { return nil }
    let zone = zones[position.zone]
    guard ticks else { return zone.address(position.offset) }
    if let raw = tickEntries.pointee[target] {
      let entry = CachePosition(rawValue: raw)
      return zones[entry.zone].address(entry.offset)
    }
    return addTickEntry(target, zone, position.offset)
  }

  /// Writes the code that counts a tick for an instruction that was translated without.
  private func addTickEntry(_ target: UInt64, _ zone: CodeZone, _ main: Int) -> UInt64? {
    guard zone.room > 256 else { return nil }
    var writer = CodeWriter(memory: zone.memory, base: zone.base, offset: zone.hot)
    var emitter = UnitEmitter(self, zone)
    emitter.emitTickEntry(target, &writer)
    writer.jump(to: zone.address(main))
    zone.hot = writer.offset
    statistics.plainTicks += emitter.plainTicks
    statistics.flagSavingTicks += emitter.flagSavingTicks
    guard let raw = tickEntries.pointee[target] else { return nil }
    return zone.address(CachePosition(rawValue: raw).offset)
  }

  /// Writes a landing for `address`, which is translated, away from its translation.
  func addLanding(_ address: UInt64) {
    guard let position = map.pointee.position(of: address), !landings.pointee.hasLanding(address) else { return }
    let zone = zones[position.zone]
    guard zone.room > 512 else { return }
    var writer = CodeWriter(memory: zone.memory, base: zone.base, offset: zone.hot)
    var emitter = UnitEmitter(self, zone)
    emitter.emitLanding(address, &writer)
    writer.jump(to: zone.address(position.offset))
    zone.hot = writer.offset
    statistics.plainTicks += emitter.plainTicks
    statistics.flagSavingTicks += emitter.flagSavingTicks
  }

  private func relink(_ index: Int) {
    let link = links.pointee[index]
    let zone = zones[Int(link.zone)]
    guard zone.hasRoomForExit else { return }
    guard let destination = destination(link.target, ticks: link.ticks) else { return }
    if !link.isFallThrough {
      if link.exit != 0 { statistics.linksResolvedLate += 1 }
      settle(zone, field: Int(link.field), destination)
    } else if link.exit != 0 {
      zone.memory[Int(link.field)] = 0xE9
      settle(zone, field: Int(link.field) + 1, destination)
    }
  }

  /// Makes a link's branch leave the cache. Without room for that it goes on to the dropped translation, which begins
  /// with a trap: slower, and as good.
  func unlink(_ index: Int) {
    var link = links.pointee[index]
    let zone = zones[Int(link.zone)]
    if link.exit == 0 {
      guard zone.hasRoomForExit else { return }
      link.exit = UInt32(zone.addLinkExit(index))
      links.pointee[index] = link
    }
    if link.isFallThrough {
      zone.memory[Int(link.field)] = 0xE9
      zone.patch(Int(link.field) + 1, toOffset: Int(link.exit))
    } else {
      zone.patch(Int(link.field), toOffset: Int(link.exit))
    }
  }

  /// Makes the 32-bit distance at `field` lead to `destination`, by way of a far jump if it must.
  private func settle(_ zone: CodeZone, field: Int, _ destination: UInt64) {
    zone.patch(field, toOffset: zone.offset(ofReachable: reachable(destination, from: zone)))
  }

  /// `address`, or a jump to it in `zone` if a branch anywhere in the zone might not reach it. The zone must have room.
  func reachable(_ address: UInt64, from zone: CodeZone) -> UInt64 {
    let distance = Int64(bitPattern: address &- zone.base)
    if abs(distance) < 1 << 31 - Int64(CachePosition.offsetCount) { return address }
    return zone.address(zone.addFarJump(to: address))
  }
}

extension CodeZone {
  /// The distance from the zone's base, which may lie outside of the zone.
  func offset(ofReachable address: UInt64) -> Int { Int(Int64(bitPattern: address &- base)) }
}

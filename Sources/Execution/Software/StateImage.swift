package import X86

/// What an instruction that saves the processor's state writes to memory: pieces at offsets of its operand. What lies
/// between them stays as it is.
package struct StateImage: Equatable, Sendable {
  package struct Piece: Equatable, Sendable {
    package var offset: Int
    package var bytes: [UInt8]
  }

  /// In the order of their offsets, none adjacent to the next.
  package private(set) var pieces: [Piece] = []

  /// The image that `save` writes of `state`, with every component of `components` held to be in use.
  ///
  /// `components` is edx:eax cut to what xcr0 enables; `oldPresent` is what memory held in the place of XSTATE_BV
  /// before, of which `xsave` keeps the components that weren't asked for.
  package init(
    _ save: StateSave, of state: ProcessorState, components: UInt64, oldPresent: UInt64, layout: ExtendedStateLayout
  ) {
    switch save.form {
    case .fnstenv: addEnvironment(state, isNarrow: save.isNarrow)
    case .fnsave:
      addEnvironment(state, isNarrow: save.isNarrow)
      for register in 0..<8 {
        let start = ProcessorState.x87Registers.lowerBound + 16 * register
        add(Array(state.bytes[start..<(start + 10)]), at: pieces[0].bytes.count)
      }
    case .fxsave: addLegacy(state, components: 3, hasVectorControl: true, isWide: save.isWide)
    case .xsave:
      // MXCSR belongs to SSE and AVX here (Intel SDM volume 1, 13.7), and to SSE alone in the compacted format (13.10).
      addLegacy(state, components: components, hasVectorControl: components & 6 != 0, isWide: save.isWide)
      add(oldPresent & ~components | components, at: ExtendedStateLayout.headerOffset)
      for number in ExtendedStateLayout.firstExtended..<63 where components & (1 << UInt64(number)) != 0 {
        guard let component = layout[number] else { continue }
        add(state.component(number, byteCount: component.byteCount), at: component.offset)
      }
    case .xsavec:
      addLegacy(state, components: components, hasVectorControl: components & 2 != 0, isWide: save.isWide)
      add(components, at: ExtendedStateLayout.headerOffset)
      add(components | 1 << 63, at: ExtendedStateLayout.headerOffset + 8)
      for (number, offset) in layout.compactedOffsets(components) {
        add(state.component(number, byteCount: layout[number]?.byteCount ?? 0), at: offset)
      }
    }
    pieces.sort { $0.offset < $1.offset }
    joinAdjacent()
  }

  /// The first 416 bytes, which `fxsave` and the `xsave` family have in common (Intel SDM volume 1, table 10-2).
  private mutating func addLegacy(
    _ state: ProcessorState, components: UInt64, hasVectorControl: Bool, isWide: Bool
  ) {
    if components & 1 != 0 {
      var head = Array(state.bytes[0..<24])
      // Without REX.W the pointers have 32 bits, and selectors that are zero in all programs' eyes.
      if !isWide { for index in [12, 13, 14, 15, 20, 21, 22, 23] { head[index] = 0 } }
      add(head, at: 0)
      add(Array(state.bytes[ProcessorState.x87Registers]), at: ProcessorState.x87Registers.lowerBound)
    }
    if hasVectorControl { add(Array(state.bytes[ProcessorState.mxcsr]), at: ProcessorState.mxcsr.lowerBound) }
    if components & 2 != 0 {
      add(Array(state.bytes[ProcessorState.sseRegisters]), at: ProcessorState.sseRegisters.lowerBound)
    }
  }

  /// The environment of `fnstenv` in protected mode (Intel SDM volume 1, figures 8-9 and 8-11): 28 bytes, or 14 with an
  /// operand-size prefix. Upper halves that are reserved are written as ones.
  private mutating func addEnvironment(_ state: ProcessorState, isNarrow: Bool) {
    let reserved: UInt16 = 0xFFFF
    let instruction = state.instructionPointer, data = state.dataPointer
    var words = [state.controlWord, state.statusWord, state.tagWord]
    if isNarrow {
      words += [UInt16(truncatingIfNeeded: instruction), 0, UInt16(truncatingIfNeeded: data), 0]
    } else {
      words = words.flatMap { [$0, reserved] }
      words += [UInt16(truncatingIfNeeded: instruction), UInt16(truncatingIfNeeded: instruction >> 16)]
      words += [0, state.opcode & 0x7FF]
      words += [UInt16(truncatingIfNeeded: data), UInt16(truncatingIfNeeded: data >> 16), 0, reserved]
    }
    add(words.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }, at: 0)
  }

  private mutating func add(_ value: UInt64, at offset: Int) {
    add((0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }, at: offset)
  }

  /// Adds bytes, behind those of the last piece if they follow it.
  private mutating func add(_ bytes: [UInt8], at offset: Int) {
    if let last = pieces.indices.last, pieces[last].offset + pieces[last].bytes.count == offset {
      pieces[last].bytes += bytes
    } else {
      pieces.append(Piece(offset: offset, bytes: bytes))
    }
  }

  private mutating func joinAdjacent() {
    let all = pieces
    pieces = []
    for piece in all { add(piece.bytes, at: piece.offset) }
  }
}

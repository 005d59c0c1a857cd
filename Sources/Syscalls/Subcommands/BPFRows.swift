/// bpf(2). Kinds start at the attribute structure, then its size. The places of pointers and counts are those of
/// `union bpf_attr` (linux/bpf.h).
enum BPFRows {
  private static let plain: [Parameter.Kind] = [.inputOutput(.argument(2), .structure), .unsigned]
  /// The size of a value is a property of the map, not of the call: as much as a usual value, for many processors, has.
  private static let value: [Parameter.Kind] = [
    .structureWithBuffers(.argument(2), [.init(pointerAt: 16, .fixed(16384))]), .unsigned,
  ]
  private static let nextKey: [Parameter.Kind] = [
    .structureWithBuffers(.argument(2), [.init(pointerAt: 16, .fixed(512))]), .unsigned,
  ]

  // swift-format-ignore
  static let rows: [SubcommandRow] = [
    .init(0, "BPF_MAP_CREATE", plain),
    .init(1, "BPF_MAP_LOOKUP_ELEM", value),
    .init(2, "BPF_MAP_UPDATE_ELEM", plain),
    .init(3, "BPF_MAP_DELETE_ELEM", plain),
    .init(4, "BPF_MAP_GET_NEXT_KEY", nextKey),
    .init(5, "BPF_PROG_LOAD",
      [.structureWithBuffers(.argument(2), [.init(pointerAt: 32, .word32(at: 28, size: 1))]), .unsigned]),
    .init(6, "BPF_OBJ_PIN", plain),
    .init(7, "BPF_OBJ_GET", plain),
    .init(8, "BPF_PROG_ATTACH", plain),
    .init(9, "BPF_PROG_DETACH", plain),
    .init(10, "BPF_PROG_TEST_RUN",
      [.structureWithBuffers(
        .argument(2),
        [.init(pointerAt: 24, .word32(at: 12, size: 1)), .init(pointerAt: 56, .word32(at: 44, size: 1))]), .unsigned]),
    .init(11, "BPF_PROG_GET_NEXT_ID", plain),
    .init(12, "BPF_MAP_GET_NEXT_ID", plain),
    .init(13, "BPF_PROG_GET_FD_BY_ID", plain),
    .init(14, "BPF_MAP_GET_FD_BY_ID", plain),
    .init(15, "BPF_OBJ_GET_INFO_BY_FD",
      [.structureWithBuffers(.argument(2), [.init(pointerAt: 8, .word32(at: 4, size: 1))]), .unsigned],
      note: "Buffers that the information itself points to aren't recorded."),
    .init(16, "BPF_PROG_QUERY",
      [.structureWithBuffers(.argument(2), [.init(pointerAt: 16, .word32(at: 24, size: 4))]), .unsigned]),
    .init(17, "BPF_RAW_TRACEPOINT_OPEN", plain),
    .init(18, "BPF_BTF_LOAD",
      [.structureWithBuffers(.argument(2), [.init(pointerAt: 8, .word32(at: 20, size: 1))]), .unsigned]),
    .init(19, "BPF_BTF_GET_FD_BY_ID", plain),
    .init(20, "BPF_TASK_FD_QUERY",
      [.structureWithBuffers(.argument(2), [.init(pointerAt: 16, .word32(at: 12, size: 1))]), .unsigned]),
    .init(21, "BPF_MAP_LOOKUP_AND_DELETE_ELEM", value),
    .init(22, "BPF_MAP_FREEZE", plain),
    .init(23, "BPF_BTF_GET_NEXT_ID", plain),
    .init(24, "BPF_MAP_LOOKUP_BATCH", .never, .unsupported(errno: 22), plain,
      note: "The sizes of keys and values aren't in the call."),
    .init(25, "BPF_MAP_LOOKUP_AND_DELETE_BATCH", .never, .unsupported(errno: 22), plain,
      note: "The sizes of keys and values aren't in the call."),
    .init(26, "BPF_MAP_UPDATE_BATCH", plain),
    .init(27, "BPF_MAP_DELETE_BATCH", plain),
    .init(28, "BPF_LINK_CREATE", plain),
    .init(29, "BPF_LINK_UPDATE", plain),
    .init(30, "BPF_LINK_GET_FD_BY_ID", plain),
    .init(31, "BPF_LINK_GET_NEXT_ID", plain),
    .init(32, "BPF_ENABLE_STATS", plain),
    .init(33, "BPF_ITER_CREATE", plain),
    .init(34, "BPF_LINK_DETACH", plain),
    .init(35, "BPF_PROG_BIND_MAP", plain),
    .init(36, "BPF_TOKEN_CREATE", plain),
    .init(37, "BPF_PROG_STREAM_READ_BY_FD",
      [.structureWithBuffers(.argument(2), [.init(pointerAt: 0, .result)]), .unsigned]),
  ]
}

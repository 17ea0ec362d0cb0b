// What was written for all parts of something, [part, file...], as one item for each whole, [meta, files...], in one order
// always; a part says what the whole is, and of how many it is one.
def gathered(parts) {
    return parts
        .map { item -> [groupKey(item[0].whole, item[0].blocks)] + item.tail() }
        .groupTuple(sort: { path -> path.name })
        .map { item -> [item[0].target] + item.tail() }
}

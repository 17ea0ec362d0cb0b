import java.nio.file.Path

/** How a file is shared among tasks: each computes one of N blocks of it, as the tools' own --blocks I/N says. */
class Blocks {

    /** How many blocks of at most so many bytes a FASTA file makes; a block holds an RNA at least. */
    static int ofFasta(Path file, long bytes) {
        return count(file.size(), bytes, { -> file.countFasta() })
    }

    /** The same for the rows of a table with a header. */
    static int ofTable(Path file, long bytes) {
        return count(file.size(), bytes, { -> file.countLines() - 1 })
    }

    /** How many blocks of queries keep each at so many pairs of a query and a target; a block holds a query at least. */
    static int ofPairs(long queries, long targets, long pairs) {
        return count(queries * targets, pairs, { -> queries })
    }

    /** `meta` once for each block: `block` is 'I/N', `part` the stem of its output, `whole` is `meta` itself. */
    static List<Map> share(Map meta, int blocks) {
        return (1..blocks).collect { number ->
            meta + [block: "${number}/${blocks}".toString(), part: "${meta.name}.${number}-of-${blocks}".toString(), whole: meta, blocks: blocks]
        }
    }

    /** Blocks that are at most `limit` long, and not more than there are things to share, which are counted where it matters. */
    private static int count(long amount, long limit, Closure things) {
        def blocks = (amount + limit - 1).intdiv(limit)
        return blocks > 1 ? Math.max(1L, Math.min(blocks, things() as long)) as int : 1
    }
}

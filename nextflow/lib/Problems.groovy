import nextflow.exception.AbortOperationException

/** What is wrong with what the user gave: gathered, then told all at once, before any task runs. */
class Problems {

    private final List<String> lines = []

    void add(String line) {
        lines << line
    }

    boolean any() {
        return !lines.isEmpty()
    }

    /** Ends the run, without a stack trace, where there is any problem. */
    void refuse(String hint = null) {
        if (any()) {
            def told = lines.unique().collect { line -> "ERROR: ${line}" } + (hint ? [hint] : [])
            throw new AbortOperationException(told.join('\n') + '\n')
        }
    }

    /** The one of some names that a misspelt name is most like. */
    static String nearest(String given, Collection<String> names) {
        return names.min { name -> distance(given, name) }
    }

    /** Levenshtein's distance: how many letters to add, leave out or change. */
    private static int distance(String a, String b) {
        def row = (0..b.size()).toList()
        a.eachWithIndex { letter, i ->
            def above = row
            row = [i + 1]
            b.eachWithIndex { other, j ->
                row << [above[j + 1] + 1, row[j] + 1, above[j] + (letter == other ? 0 : 1)].min()
            }
        }
        return row[-1]
    }
}

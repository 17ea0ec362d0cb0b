import groovy.util.logging.Slf4j
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow

/**
 * The data sets: one in each row of a CSV, whose header names the columns in any order.
 *
 * A data set is a map of name and, for each column that is not empty, the file. The schema tells which columns there
 * are, and which of them a data set needs; there may be a choice, as between pairs and queries with targets.
 */
@Slf4j(category = 'nextflow.cupid')  // Nextflow shows on the screen what its own packages say
class Samplesheet {

    private static final String NAME = 'name'

    private final Path path
    private final Parameters parameters
    private final List<List<String>> choices
    private final List<String> columns
    private final Problems problems = new Problems()

    /** The data sets of --input, or the one of single files such as --fasta; all that is wrong is told at once. */
    static List<Map> of(Parameters parameters) {
        def input = parameters.get('input')
        def sheet = new Samplesheet(parameters, input ? Nextflow.file(input, glob: false) : null)
        def rows = input ? sheet.rows() : [sheet.single()]
        sheet.problems.refuse()
        parameters.checkRows(rows)
        return rows
    }

    private Samplesheet(Parameters parameters, Path path) {
        this.parameters = parameters
        this.path = path
        this.choices = parameters.choices()
        this.columns = parameters.columns()
    }

    private Map single() {
        def row = [name: parameters.get('name')]
        columns.findAll { column -> column != NAME && parameters.get(column) }.each { column ->
            row[column] = Nextflow.file(parameters.get(column), glob: false)
        }
        checkComplete(row, '', '--')
        return row
    }

    private List<Map> rows() {
        def lines = cells(path.text).findAll { line, cells -> cells.any() }
        if (!lines) {
            problems.add("${path.name}: is empty (give a header and a row for each data set)")
            return []
        }
        def first = lines.keySet().min()
        def header = lines.remove(first)
        checkHeader(header, first)
        problems.refuse()
        if (!lines) {
            problems.add("${path.name}: has a header and no data set (give a row for each)")
        }
        def seen = [:]
        return lines.collect { line, cells -> row(header, cells, line, seen) }
    }

    private void checkHeader(List<String> header, int line) {
        header.eachWithIndex { column, i ->
            if (column == '') {
                problem(line, "column ${i + 1} has no name (name it, or leave it out)")
            } else if (column in parameters.columns(true) && !(column in columns)) {
                log.info("${path.name}: column ${column} is not used by this workflow")
            } else if (!(column in columns)) {
                def hint = column =~ /[;\t]/ ? 'separate cells by commas;' : "did you mean ${Problems.nearest(column, columns)}?"
                problem(line, "unknown column ${column} (${hint} known: ${columns.join(', ')})")
            }
        }
        header.countBy { column -> column }.findAll { column, count -> count > 1 && column }.each { column, count ->
            problem(line, "column ${column} stands there ${count} times (leave one)")
        }
        if (!(NAME in header)) {
            problem(line, "there is no column name (add one; it names the data sets)")
        }
        if (!choices.any { choice -> choice.every { column -> column in header } }) {
            def missing = choices.collect { choice -> (choice - header).join(' and ') }
            problem(line, "there is no column ${missing.join(', or ')} (add it)")
        }
    }

    private Map row(List<String> header, List<String> cells, int line, Map seen) {
        if (cells.size() != header.size()) {
            problem(line, "has ${cells.size()} cells, the header ${header.size()} (give one for each column, empty where there is none)")
            return [:]
        }
        def texts = [header, cells].transpose().collectEntries().findAll { column, text -> text && column in columns }
        checkName(texts[NAME], line, seen)
        checkComplete(texts, "${path.name}:${line}: ", '')
        return texts.collectEntries { column, text -> [column, column == NAME ? text : file(column, text, line)] }
    }

    private void checkName(String name, int line, Map seen) {
        if (name == null) {
            problem(line, "name is empty (give the data set a name)")
        } else if (parameters.unfitName(name)) {
            problem(line, "name ${parameters.unfitName(name)}")
        } else if (name in seen) {
            problem(line, "name ${name} stands in line ${seen[name]} already (give each data set its own)")
        }
        seen.putIfAbsent(name, line)
    }

    /** One of the choices must be there as a whole, and nothing of the others. */
    private void checkComplete(Map row, String place, String sign) {
        def begun = choices.findAll { choice -> choice.any { column -> column in row } }
        def lists = choices.collect { choice -> choice.collect { column -> sign + column }.join(' and ') }
        if (begun.size() > 1) {
            problems.add("${place}${lists.join(' exclude ')} (give one or the other)")
        } else if (!begun) {
            problems.add("${place}the data set has no ${lists.join(', nor ')} (give ${choices.size() > 1 ? 'one or the other' : 'the files'})")
        } else {
            (begun[0] - row.keySet()).each { column ->
                problems.add("${place}${sign}${column} is ${sign ? 'missing' : 'empty'} (name the file)")
            }
        }
    }

    private Path file(String column, String text, int line) {
        try {
            Path file = text.contains('://') ? Nextflow.file(text, glob: false) : path.toAbsolutePath().resolveSibling(text).normalize()
            if (!Files.exists(file)) {
                problem(line, "${column} is ${text}, which does not exist (paths start at the folder of the samplesheet)")
            } else if (Files.isDirectory(file)) {
                problem(line, "${column} is ${text}, which is a folder (name a file)")
            } else if (FileNames.unfit(file)) {
                problem(line, "${column} is ${text}, ${FileNames.unfit(file)}")
            }
            return file
        } catch (IllegalArgumentException | IOException error) {
            problem(line, "${column} is ${text}, which cannot be read (${error.message})")
            return null
        }
    }

    private void problem(int line, String text) {
        problems.add("${path.name}:${line}: ${text}")
    }

    /** Line -> cells; a quoted cell may hold commas, line ends, and quotes that are doubled. */
    private Map<Integer, List<String>> cells(String text) {
        def lines = [:]
        def start = 1
        def row = []
        def bare = text.replaceFirst('^\uFEFF', '').replaceAll('\r\n?', '\n')
        def cell = /\G[ \t]*+(?:"((?:[^"]|"")*+)"[ \t]*|([^",\n][^,\n]*)?)(,|\n|\z)/
        def matcher = bare =~ cell
        def line = 1
        def end = 0
        while (end < bare.size() && matcher.find(end)) {
            row << (matcher.group(1)?.replace('""', '"') ?: matcher.group(2) ?: '').trim()
            line += matcher.group().count('\n')
            end = matcher.end()
            if (matcher.group(3) != ',') {
                lines[start] = row
                row = []
                start = line
            }
        }
        if (end < bare.size()) {
            problem(line, 'a cell has a quote that opens or closes in the middle, or not at all (mend the quotes)')
        }
        return lines
    }
}

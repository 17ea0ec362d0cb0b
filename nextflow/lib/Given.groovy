import groovy.json.JsonSlurper
import groovy.yaml.YamlSlurper
import nextflow.Global
import nextflow.Nextflow

/** Which parameters the user gives in this very run, and where; Nextflow mixes them with those of configurations. */
class Given {

    private final Set<String> typed  // on the command line, as spelling() has them
    private final Set<String> filed  // in the file of -params-file

    Given(Collection<String> typed, Collection<String> filed = []) {
        this.typed = typed.collect { key -> spelling(key) }
        this.filed = filed.collect { key -> spelling(key) }
    }

    static Given inThisRun() {
        def typed = []
        def file = System.getenv('NXF_PARAMS_FILE')
        def words = words(Global.session.commandLine ?: '')
        for (int i = 0; i < words.size(); i++) {
            if (words[i] ==~ /(?s)--[a-zA-Z\d].*/) {
                typed << words[i].drop(2).split('=', 2)[0]
                i += !words[i].contains('=') && isValue(words[i + 1]) ? 1 : 0
            } else if (words[i] == '-params-file') {
                file = words[++i]
            }
        }
        return new Given(typed, file ? keys(file) : [])
    }

    /** min-length of --min-length and of minLength, which Nextflow makes of it; min_length stays. */
    static String spelling(Object key) {
        return key.toString().replaceAll(/([a-z0-9])([A-Z])/) { all, before, letter -> "${before}-${letter.toLowerCase()}" }
    }

    /** min_length of all of its spellings, which is how the schema names parameters. */
    static String canonical(Object key) {
        return spelling(key).replace('-', '_').toLowerCase()
    }

    boolean has(String name) {
        return (typed + filed).any { key -> canonical(key) == name }
    }

    /** The more, the stronger: what is typed replaces what a file says, and that what a configuration says. */
    int strength(Object key) {
        return spelling(key) in typed ? 2 : spelling(key) in filed ? 1 : 0
    }

    /** Undoes how Nextflow writes down a command line: words are apart by one blank, in '' or with backslashes where needed. */
    private static List<String> words(String line) {
        return (line =~ /(?s)\G((?:'[^']*'|\\.|[^ '\\]+|['\\])*+)(?: |\z)/).collect { all, word ->
            word.replaceAll(/(?s)'([^']*)'|\\(.)/) { part, quoted, escaped -> quoted ?: escaped ?: '' }
        }
    }

    /** Whether Nextflow takes the word after a parameter for its value. */
    private static boolean isValue(String word) {
        return word && (word.size() == 1 || !word.startsWith('-') || word.isNumber() || word.contains(' '))
    }

    private static Set<String> keys(String path) {
        def file = Nextflow.file(path, glob: false)
        def text = file.text.replaceAll(/\$\{\w+\}/, '0')  // variables, which Nextflow fills in before it reads
        def found = file.name.toLowerCase().endsWith('.json') ? new JsonSlurper().parseText(text) : new YamlSlurper().parseText(text)
        return found instanceof Map ? found.keySet() : []
    }
}

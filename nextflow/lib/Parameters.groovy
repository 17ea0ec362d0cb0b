import groovy.json.JsonSlurper
import groovy.util.logging.Slf4j
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow
import nextflow.util.MemoryUnit

/**
 * What the user asks for, checked against nextflow_schema.json before any task runs.
 *
 * schema.py, which writes that file, tells what its keys mean.
 */
@Slf4j(category = 'nextflow.cupid')  // Nextflow shows on the screen what its own packages say
class Parameters {

    private final Map<String, Map> groups           // of the schema
    private final Map<String, Map> specs = [:]      // parameter -> what the schema says of it, in the schema's order
    private final Map<String, Object> values = [:]  // parameter -> value, where it has one
    private final Given given
    private final Problems problems = new Problems()
    private List<String> classifiers = []  // that are trained or score, where they can be known
    private boolean ranks = true           // whether a data set has queries, as far as is known
    private boolean lists = true           // whether one has pairs

    /** Reads and checks all parameters; with --help nothing is checked. */
    static Parameters read(schema, Map params, Given given = Given.inThisRun()) {
        def parameters = new Parameters(Nextflow.file(schema.toString()), given)
        parameters.take(params)
        return parameters
    }

    private Parameters(Path schema, Given given) {
        this.given = given
        groups = new JsonSlurper().parseText(schema.text)['$defs']
        groups.each { key, group -> specs.putAll(group.properties) }
        specs.each { name, spec ->
            if ((!spec.tools || spec.told) && spec.default != null) {  // the tools know their own defaults themselves
                values[name] = spec.default
            }
        }
    }

    /** The value of a parameter: what the user gave, or the pipeline's own default, or null. */
    Object get(String name) {
        if (!(name in specs)) {
            throw new IllegalArgumentException("no parameter ${name} in the schema")
        }
        return values[name]
    }

    /** The values of a parameter that is a list separated by commas. */
    List<String> list(String name) {
        return get(name) == null ? [] : get(name).tokenize(',')
    }

    /** Whether a classifier reads vectors of RNAs, and not their sequences. */
    boolean readsVectors(String classifier) {
        return classifier in specs.classifiers.reads_vectors
    }

    /** A size such as '8.MB', in bytes. */
    long bytes(String name) {
        return bytesOf(get(name))
    }

    /** Parameter -> value of all that the run uses: what the user gave, and the pipeline's own defaults. */
    Map<String, Object> used() {
        return specs.findAll { name, spec ->
            values[name] != null && !spec.hidden && !useless(name) && !(spec.data_set && values.input)
        }.collectEntries { name, spec -> [name, values[name]] }
    }

    /** The columns that a samplesheet may have, the workflow's own or those of all. */
    List<String> columns(boolean all = false) {
        return specs.findAll { name, spec -> spec.data_set && (all || spec.workflows.containsKey(way())) }*.key
    }

    /** The columns that a data set needs; the lists exclude each other. */
    List<List<String>> choices() {
        return specs.findAll { name, spec -> spec.needed?.get(way()) }.groupBy { name, spec -> spec.needed[way()] }
            .sort().collect { choice, columns -> columns*.key }
    }

    /** Refuses what is asked of rankings where no data set has queries, and of pairs where none has pairs. */
    void checkRows(List<Map> rows) {
        ranks = rows.any { row -> row.queries }
        lists = rows.any { row -> row.pairs }
        checkUse(values.keySet())
        problems.refuse()
    }

    /** What is wrong with the name of a data set; null where nothing is. */
    String unfitName(String name) {
        return outside(specs.name, name)
    }

    /**
     * The options of a tool that the user gave: [flags, files], the flags quoted for the shell, and the files that
     * they name, which are to be staged under their own names.
     *
     * @param context what the task is about: classifier, the one that is trained or scores; rankings: true for
     *     queries and targets; merging: true for the task that joins all blocks
     */
    List options(String tool, Map context = [:]) {
        def flags = []
        def files = []
        specs.each { name, spec ->
            if (values[name] != null && values[name] != false && reaches(spec, tool, context)) {
                def (text, file) = staged(spec, values[name])
                def flag = spec.flag ?: "--${name.replace('_', '-')}"
                flags << (spec.type == 'boolean' ? flag : "${flag}=${quoted(text)}".toString())
                files.addAll(file ? [file] : [])
            }
        }
        files = files.unique()
        files.countBy { file -> file.name }.findAll { name, count -> count > 1 }.each { name, count ->
            problems.add("${tool} would get ${count} files of the name ${name} (rename all but one)")
        }
        problems.refuse()
        return [flags.join(' '), files]
    }

    // Reading

    private void take(Map params) {
        def written = [:]  // parameter -> how the user wrote it
        def foreign = []
        def strongest = params.keySet().groupBy { key -> Given.canonical(key) }
            .collectEntries { name, keys -> [name, keys.collect { key -> given.strength(key) }.max()] }
        params.findAll { key, value -> given.strength(key) == strongest[Given.canonical(key)] }.each { key, value ->
            def name = Given.canonical(key)
            if (!(name in specs) && !given.has(name)) {
                foreign << name
            } else if (!(name in specs)) {
                problems.add("${shown(name)} is no parameter (did you mean ${shown(Problems.nearest(name, specs.keySet()))}?)")
            } else if (specs[name].config && key != name) {
                problems.add("--${Given.spelling(key)} is read by configuration files: write --${name}")
            } else if (value != null && name in written && params[written[name]] != value) {
                problems.add("${shown(name)} is given twice, as ${params[written[name]]} and as ${value} (give it once)")
            } else if (value != null) {
                written[name] = key
                values[name] = value
            }
        }
        if (values.help == true || values.help == 'true') {
            values.help = true
            return
        }
        if (foreign) {
            log.warn("A configuration sets what this pipeline does not know and does not use: ${foreign.unique().sort().join(', ')}")
        }
        written.keySet().each { name -> checkValue(name) }
        checkWorkflow(written.keySet())
        checkInput(written.keySet())
        problems.refuse("(nextflow run ... --help tells all parameters)")
    }

    /** Configuration files read some parameters, and know those by one spelling alone. */
    private String shown(String name) {
        return "--${specs[name]?.config ? name : name.replace('_', '-')}"
    }

    /** The workflow as the schema names it, which tells comparing with a given model from training one. */
    private String way() {
        return values.workflow == 'compare' && values.model ? 'compare --model' : values.workflow
    }

    private void checkWorkflow(Collection<String> names) {
        if (!(values.workflow in specs.workflow.enum)) {
            return  // told already
        }
        classifiers = knownClassifiers()
        checkUse(names)
        specs.each { name, spec ->
            if (values.workflow in spec.required_in && values[name] == null) {
                problems.add("${shown(name)} is missing (workflow ${values.workflow} needs it)")
            }
        }
    }

    /** Refuses what the user asks for in this very run and what does nothing; a profile may set more than is used. */
    private void checkUse(Collection<String> names) {
        names.findAll { name -> values[name] != false && given.has(name) && useless(name) }.each { name ->
            problems.add("${shown(name)} ${useless(name)}")
        }
    }

    /** Why a parameter does nothing in this run; null where it does something. */
    private String useless(String name) {
        def spec = specs[name]
        if (!spec.workflows.containsKey(way())) {
            return "is for workflow ${spec.workflows.keySet().join(' or ')}, not for ${way()} (leave it out)"
        }
        if (spec.needs && !values[spec.needs]) {
            return "does nothing without ${shown(spec.needs)} (add it, or leave both out)"
        }
        if (classifiers && spec.classifiers && name != 'recipe' && !classifiers.any { each -> each in spec.classifiers }) {
            return "is for ${spec.classifiers.join(' or ')}, not for ${classifiers.join(' or ')} (leave it out)"
        }
        if (spec.rankings && !ranks) {
            return 'is for rankings, and no data set has queries (leave it out)'
        }
        return spec.listed && !lists ? 'is for listed pairs, and no data set has pairs (leave it out)' : null
    }

    private List<String> knownClassifiers() {
        try {
            if (specs.model.workflows.containsKey(way())) {
                return values.model ? [Model.classifier(values.model)] : []
            }
            return specs.classifiers.workflows.containsKey(way()) ? list('classifiers') : []
        } catch (IllegalArgumentException error) {
            problems.add("--model ${error.message}")
            return []
        }
    }

    /** A data set comes from the samplesheet or from single files. */
    private void checkInput(Collection<String> names) {
        def single = names.findAll { name -> specs[name].data_set }
        if ('input' in names && single) {
            problems.add("${single.collect { name -> shown(name) }.join(', ')} and --input exclude each other (make columns of the samplesheet of them)")
        } else if (!('input' in names) && !(single - ['name'])) {
            problems.add("there is no data set (give --input SAMPLESHEET, or its files, such as --fasta)")
        }
    }

    // Values

    /** Gives the value of a parameter its type, and refuses what the schema does not allow. */
    private void checkValue(String name) {
        def spec = specs[name]
        def problem = null
        try {
            values[name] = typed(spec, values[name])
            problem = outside(spec, values[name]) ?: absent(spec, values[name]) ?: unfit(name)
        } catch (IllegalArgumentException error) {
            problem = error.message
        }
        if (problem) {
            problems.add("${shown(name)} ${problem}")
        }
    }

    private static Object typed(Map spec, Object value) {
        def text = value instanceof List ? value.join(',') : value.toString()
        if (text == '') {
            throw new IllegalArgumentException("is empty (give a value, or leave it out)")
        }
        if (spec.type == 'boolean') {
            return truth(text)
        }
        if (value instanceof Boolean) {
            throw new IllegalArgumentException("needs a value")
        }
        if (spec.type == 'string') {
            return text
        }
        if (spec.type == 'integer' ? !(text ==~ /-?\d{1,18}/) : !text.isBigDecimal()) {
            throw new IllegalArgumentException("must be a ${spec.type == 'integer' ? 'whole ' : ''}number, not ${text}")
        }
        return spec.type == 'integer' ? text.toLong() : text.toBigDecimal()
    }

    private static boolean truth(String text) {
        if (text in ['true', 'false']) {
            return text == 'true'
        }
        throw new IllegalArgumentException("takes no value, or true or false, not ${text}")
    }

    /** What is wrong with a value of the right type; null where nothing is. */
    private static String outside(Map spec, Object value) {
        def foreign = spec.some_of ? value.split(',', -1).find { part -> !(part in spec.some_of) } : null
        def choices = spec.some_of ?: spec.enum
        if (foreign != null || (spec.enum && !(value in spec.enum))) {
            return "is ${foreign ?: value} (did you mean ${Problems.nearest(foreign ?: value, choices)}? known: ${choices.join(', ')})"
        }
        if (spec.bytes) {
            return bytesOf(value) > 0 ? null : "must be above 0, not ${value}"
        }
        if (spec.pattern && !(value ==~ spec.pattern)) {
            return "cannot be ${value} (${spec.says ? "take ${spec.says}" : "known: ${known(spec)}"})"
        }
        if (spec.minimum != null && value < spec.minimum) {
            return "must be at least ${spec.minimum}, not ${value}"
        }
        if (spec.exclusiveMinimum != null && (value <= spec.exclusiveMinimum || value >= spec.exclusiveMaximum)) {
            return "must be between ${spec.exclusiveMinimum} and ${spec.exclusiveMaximum}, not ${value}"
        }
        return null
    }

    private static String known(Map spec) {
        return (spec.names + (spec.prefixes ?: [:]).collect { prefix, what -> prefix + what }).join(', ')
    }

    private static long bytesOf(Object value) {
        try {
            return new MemoryUnit(value.toString()).toBytes()
        } catch (IllegalArgumentException error) {
            throw new IllegalArgumentException("must be a size such as 8.MB, not ${value}")
        }
    }

    // Files

    /** Names a file that is not there; null where all are. */
    private static String absent(Map spec, Object value) {
        if (spec.made) {
            return null
        }
        for (entry in files(spec, value)) {
            def (part, file) = [entry.key, entry.value]
            if (!Files.exists(file)) {
                return "names ${part}, which does not exist${spec.names ? " and is none of ${known(spec)}" : ''}"
            }
            if (spec.format && Files.isDirectory(file) != (spec.format == 'directory-path')) {
                return "names ${part}, which is ${Files.isDirectory(file) ? 'a folder' : 'no folder'}"
            }
        }
        return null
    }

    /** Names a file that no task can get, or not beside its own folders; null where all can. */
    private String unfit(String name) {
        def spec = specs[name]
        if (spec.made || name == 'input') {
            return null  // no task gets these
        }
        def problems = files(spec, values[name]).collect { part, file ->
            def problem = FileNames.unfit(file) ?: (spec.data_set ? null : FileNames.taken(file)) ?: (spec.list ? FileNames.unfitRecipe(file) : null)
            problem ? "names ${part}, ${problem}" : null
        }
        return problems.find() ?: (spec.list ? FileNames.alike(list(name)) : null)
    }

    /** What of a value names files -> file. */
    private static Map<String, Path> files(Map spec, Object value) {
        def parts = spec.list ? value.tokenize(',') : [value]
        return parts.collectEntries { part -> [part, staged(spec, part)[1]] }.findAll { part, file -> file != null }
    }

    /** [text, file]: what stands for the value in a task's folder, and the file to stage there or null. */
    private static List staged(Map spec, Object value) {
        def prefix = (spec.prefixes ?: [:]).keySet().find { value.toString().startsWith(it) } ?: ''
        if (!(spec.names || spec.format) || value in spec.names) {
            return [value, null]
        }
        Path file = Nextflow.file(value.substring(prefix.size()), glob: false)
        return [prefix + file.name, file]
    }

    private boolean reaches(Map spec, String tool, Map context) {
        return tool in spec.workflows[way()]
            && (!spec.rankings || context.rankings)
            && (!context.merging || spec.merging)
            && (!spec.classifiers || !context.classifier || context.classifier in spec.classifiers)
    }

    private static String quoted(Object text) {
        return "'" + text.toString().replace("'", "'\\''") + "'"
    }

    // Help

    /** All parameters by group, or those of one workflow where the user names it. */
    String help(String command) {
        def all = !given.has('workflow')
        def width = terminal()
        def lines = ["usage: ${command} [-profile NAME,...] [--workflow NAME] --input CSV --outdir FOLDER [--PARAMETER VALUE ...]"]
        groups.each { key, group ->
            def told = group.properties.findAll { name, spec ->
                !spec.hidden && (all || spec.workflows.any { way, tools -> way.startsWith(values.workflow) })
            }
            if (told) {
                lines += [''] + wrapped("${group.title}: ${group.description}", width)
                told.each { name, spec -> lines += entry(name, spec, width) }
            }
        }
        return lines.join('\n')
    }

    private List<String> entry(String name, Map spec, int width) {
        def value = spec.enum ? "{${spec.enum.join(',')}}" : spec.metavar ?: ''
        def left = "  ${shown(name)} ${value}".stripTrailing()
        def remarks = []
        if (spec.required_in) {
            remarks << "required for ${spec.required_in.join(' and ')}"
        }
        if (spec.default != null && spec.default != false) {
            remarks << "default: ${spec.default}"
        }
        def right = wrapped(spec.description + (remarks ? " (${remarks.join('; ')})" : ''), width - 30)
        def first = left.size() < 29 ? [left.padRight(30) + right.head()] : [left, ' ' * 30 + right.head()]
        return first + right.tail().collect { line -> ' ' * 30 + line }
    }

    private static List<String> wrapped(String text, int width) {
        def lines = ['']
        text.tokenize().each { word ->
            if (lines[-1] && lines[-1].size() + 1 + word.size() > width) {
                lines << word
            } else {
                lines[-1] = lines[-1] ? "${lines[-1]} ${word}".toString() : word
            }
        }
        return lines
    }

    /** The width of the terminal, 100 at most. */
    private static int terminal() {
        def size = ['sh', '-c', 'stty size < /dev/tty 2> /dev/null || true'].execute().text.tokenize()
        def width = size.size() == 2 ? size[1].toInteger() : 0
        return width > 60 ? Math.min(width - 2, 100) : 100
    }
}

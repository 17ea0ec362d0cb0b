import groovy.json.JsonOutput
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Global
import nextflow.Nextflow

/** What the pipeline itself writes below --outdir: a README that says what is what and whether it is all there. */
class Results {

    private final Path outdir
    private final Parameters parameters
    private final Object run   // Nextflow's own description of the run

    Results(Parameters parameters, Object run) {
        this.outdir = Nextflow.file(parameters.get('outdir'))
        this.parameters = parameters
        this.run = run
    }

    /** From here on nobody takes what lies in --outdir for complete, whatever happens. */
    void begin() {
        readme("**These results are not complete:** the run has not ended, or was cut off. Repeat the command with -resume.")
        write('pipeline_info/params.json', JsonOutput.prettyPrint(JsonOutput.toJson(parameters.used())) + '\n')
    }

    void end() {
        if (run.success && run.stats.ignoredCount == 0) {
            readme('The run is complete.')
        } else {
            readme('**These results are not complete:** the run failed, or went on without a task that failed. Mend what the message says, and repeat the command with -resume.')
        }
    }

    /** Which program wrote what, in the form that MultiQC reads. */
    void writeVersions(List<List> found) {
        def tools = found.collectEntries { process, tool, version -> [process.tokenize(':').last(), [tool, version.tokenize().last()]] }
        def lines = tools.sort().collect { process, version -> "${process}:\n    ${version[0]}: '${version[1]}'" }
        lines << "Workflow:\n    ${run.manifest.name}: '${run.manifest.version}'\n    Nextflow: '${run.nextflow.version}'"
        write('pipeline_info/software_mqc_versions.yml', lines.join('\n') + '\n')
    }

    /** The table of each data set's report as one, for MultiQC: samples are named by data set and model. */
    void writeMultiqc(List<List> reports) {
        def tables = reports.sort { report -> report[0].id }.collectEntries { meta, folder ->
            [meta.id, folder.resolve('cupid_mqc.tsv').readLines()]
        }
        if (tables) {
            def first = tables.values().first()
            def head = first.count { line -> line.startsWith('#') } + 1
            def rows = tables.collectMany { name, lines -> lines.drop(head).collect { line -> "${name} ${line}" } }
            write('multiqc/cupid_mqc.tsv', (first.take(head) + rows).join('\n') + '\n')
        }
    }

    private void readme(String state) {
        def text = Global.session.baseDir.resolve('assets/results.md').text
        def head = "# Results of cupid-tools ${run.manifest.version}, workflow ${parameters.get('workflow')}\n\n${state}\n\n"
        write('README.md', head + text)
    }

    private void write(String name, String text) {
        def path = outdir.resolve(name)
        Files.createDirectories(path.parent)
        path.text = text
    }
}

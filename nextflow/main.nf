#!/usr/bin/env nextflow
// cupid-tools as a pipeline: "nextflow run main.nf --help" tells what it takes, docs/nextflow.md how it is used.
include { TRAIN     } from './workflows/train'
include { SCORE     } from './workflows/score'
include { COMPARE   } from './workflows/compare'
include { EMBED     } from './workflows/embed'
include { REPRODUCE } from './workflows/reproduce'

workflow {
    main:
    def parameters = Parameters.read("${projectDir}/nextflow_schema.json", params)
    if (parameters.get('help')) {
        println(parameters.help("nextflow run ${workflow.scriptFile.name}"))
    }
    else {
        def chosen = parameters.get('workflow')
        def rows = Samplesheet.of(parameters)
        def results = new Results(parameters, workflow)
        results.begin()
        workflow.onComplete { results.end() }

        datasets = channel.fromList(rows).map { row -> [[id: row.name], row] }
        versions = channel.empty()
        reports = channel.empty()
        if (chosen == 'train') {
            TRAIN(datasets, parameters)
            versions = TRAIN.out.versions
            reports = TRAIN.out.reports
        }
        else if (chosen == 'compare') {
            COMPARE(datasets, parameters)
            versions = COMPARE.out.versions
            reports = COMPARE.out.reports
        }
        else if (chosen == 'score') {
            SCORE(datasets, parameters)
            versions = SCORE.out.versions
        }
        else if (chosen == 'embed') {
            EMBED(datasets, parameters)
            versions = EMBED.out.versions
        }
        else {
            REPRODUCE(datasets, parameters)
            versions = REPRODUCE.out.versions
        }
        versions.unique().toList().subscribe { found -> results.writeVersions(found) }
        reports.toList().subscribe { found -> results.writeMultiqc(found) }
    }
}

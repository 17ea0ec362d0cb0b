// Interaction energies beside the models in one report: models that are trained here, or one that was made before.
include { PREPARE    } from '../subworkflows/prepare'
include { ENERGIES   } from '../subworkflows/energies'
include { LEARN      } from '../subworkflows/learn'
include { TAKE_MODEL } from '../subworkflows/take_model'
include { JUDGE      } from '../subworkflows/judge'

workflow COMPARE {
    take:
    datasets   // [meta, row]: the files of a data set by column of the samplesheet
    parameters

    main:
    if (parameters.get('model')) {
        names = ['model']
        dataset = datasets.map { meta, row -> [meta, row.fasta, row.types ?: [], row.pairs] }
        known = dataset
        TAKE_MODEL(dataset.map { meta, fasta, types, _pairs -> [meta, [rnas: fasta], types] }, names.first(), parameters)
        models = TAKE_MODEL.out.models
        made = TAKE_MODEL.out.versions
    }
    else {
        names = parameters.list('classifiers')
        PREPARE(datasets, parameters)
        dataset = PREPARE.out.dataset
        known = PREPARE.out.kept
        LEARN(dataset, datasets.map { meta, row -> [meta, row.groups ?: []] }, parameters)
        models = LEARN.out.models
        made = PREPARE.out.versions.mix(LEARN.out.versions)
    }
    ENERGIES(dataset, parameters)
    with_energies = dataset.map { meta, fasta, types, _pairs -> [meta, fasta, types] }.join(ENERGIES.out.tables)
    JUDGE(datasets, with_energies, known, models, names, parameters)

    emit:
    reports  = JUDGE.out.report // [meta, folder]
    versions = made.mix(ENERGIES.out.versions, JUDGE.out.versions)
}

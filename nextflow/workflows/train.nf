// RNAs and known pairs to trained models and a report on how far they can be trusted.
include { PREPARE } from '../subworkflows/prepare'
include { LEARN   } from '../subworkflows/learn'
include { JUDGE   } from '../subworkflows/judge'

workflow TRAIN {
    take:
    datasets   // [meta, row]: the files of a data set by column of the samplesheet
    parameters

    main:
    PREPARE(datasets, parameters)
    LEARN(PREPARE.out.dataset, datasets.map { meta, row -> [meta, row.groups ?: []] }, parameters)
    JUDGE(datasets, PREPARE.out.dataset, PREPARE.out.kept, LEARN.out.models, parameters.list('classifiers'), parameters)

    emit:
    reports  = JUDGE.out.report // [meta, folder]
    versions = PREPARE.out.versions.mix(LEARN.out.versions, JUDGE.out.versions)
}

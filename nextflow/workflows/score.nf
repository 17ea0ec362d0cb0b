// A model's scores of listed pairs, or the best targets of every query.
include { TAKE_MODEL    } from '../subworkflows/take_model'
include { SCORE_PAIRS   } from '../subworkflows/score_pairs'
include { RANK_TARGETS  } from '../subworkflows/rank_targets'
include { CUPID_EXPLAIN } from '../modules/cupid_explain'

// The FASTA files of a data set by the names of their stores; RNAs that are ranked among themselves are one.
def files(row) {
    return row.pairs ? [rnas: row.fasta] : row.queries == row.targets ? [rnas: row.queries] : [queries: row.queries, targets: row.targets]
}

workflow SCORE {
    take:
    datasets   // [meta, row]: FASTA and pairs, or queries and targets, by column of the samplesheet
    parameters

    main:
    TAKE_MODEL(
        datasets.map { meta, row ->
            [meta, files(row), row.types ?: []]
        },
        'scores',
        parameters,
    )
    work = TAKE_MODEL.out.models
        .map { meta, model, vectors, ids, _curves -> [meta.subMap('id'), meta, model, vectors, ids] }
        .join(datasets)
        .branch { _id, meta, model, vectors, ids, row ->
            pairs: row.pairs
                return [meta, row.fasta, row.types ?: [], row.pairs, model, vectors, ids]
            rankings: true
                return [meta, row.queries, row.targets, row.types ?: [], model, vectors, ids]
        }
    SCORE_PAIRS(work.pairs, parameters)
    RANK_TARGETS(work.rankings, parameters)
    CUPID_EXPLAIN(
        work.pairs.filter { parameters.get('explain') }.map { meta, fasta, types, pairs, model, _vectors, _ids ->
            [meta, fasta, types, pairs, model]
        },
        parameters.options('cupid-explain'),
    )

    emit:
    versions = TAKE_MODEL.out.versions.mix(SCORE_PAIRS.out.versions, RANK_TARGETS.out.versions, CUPID_EXPLAIN.out.versions)
}
